"""What a run says of the claims: read from run.json and claims.jsonl, predicted from problems, compared by rounds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from backends.problem import ITEM_BYTES, Problem
from report.claim_validation import read_claim, read_finding
from report.json_lines import json_of, lines_of
from report.readers import Defect, shown
from report.verdicts import MARGIN, Pairs, Series, pair_up, usual_disagreement

OK: Final = "ok"
ROUNDS_APART: Final = 1000  # between the names of two starts' rounds
WIDEST: Final = 1.25  # from end to end: a wider interval that holds the prediction confirms nothing

Step = tuple[str, Problem]


@dataclass(frozen=True)
class Arithmetic:
    """Numbers that a way of computing writes as results, learns, multiplies and moves."""

    activations: int
    parameters: int
    macs: int
    bytes: int

    @classmethod
    def of(cls, steps: Iterable[Step]) -> Arithmetic:
        """Sums over the products of ``steps``. A ReLU apart reads and writes every result once more, and no more.

        The patches of a k x k convolution are the input of its product, and are counted as that: each pixel k * k
        times.
        """
        known = list(steps)
        products = [problem for kind, problem in known if kind == "product"]
        again = sum(2 * _results(problem) * ITEM_BYTES[problem.dtype] for kind, problem in known if kind == "relu")
        return cls(
            activations=sum(map(_results, products)),
            parameters=sum(problem.parameters for problem in products),
            macs=sum(problem.macs for problem in products),
            bytes=sum(problem.min_bytes for problem in products) + again,
        )

    def __add__(self, other: Arithmetic) -> Arithmetic:
        return Arithmetic(*(mine + its for mine, its in zip(_fields(self), _fields(other), strict=True)))

    def over(self, other: Arithmetic) -> dict[str, float]:
        """How many times as much as ``other``, by measure."""
        names = ("activations", "parameters", "macs", "bytes")
        pairs = zip(names, _fields(self), _fields(other), strict=True)
        return {name: mine / its if its else math.nan for name, mine, its in pairs}


def _fields(one: Arithmetic) -> tuple[int, int, int, int]:
    return one.activations, one.parameters, one.macs, one.bytes


def _results(problem: Problem) -> int:
    return math.prod(problem.output_shape)


@dataclass(frozen=True)
class Variant:
    """One way of computing: the steps of each of its branches from which something is predicted."""

    name: str
    branches: Mapping[str, tuple[Step, ...]]

    def arithmetic(self, branch: str | None = None) -> Arithmetic:
        """Of one branch, or of all."""
        chosen = self.branches.values() if branch is None else (self.branches[branch],)
        return Arithmetic.of(step for steps in chosen for step in steps)

    def products(self, branch: str | None = None) -> list[Problem]:
        """The products of one branch, or of all."""
        chosen = self.branches.values() if branch is None else (self.branches[branch],)
        return [problem for steps in chosen for kind, problem in steps if kind == "product"]


@dataclass(frozen=True)
class Claim:
    """``by``: the measure from which the gain in time is predicted."""

    name: str
    number: int
    says: str
    source: str
    total: str
    by: str
    variants: tuple[Variant, ...]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Claim:
        """From what ``claim_validation.read_claim`` read."""
        variants = tuple(
            Variant(each["name"], {branch: tuple(steps) for branch, steps in each["branches"].items()})
            for each in values["variants"]
        )
        return cls(**{**values, "variants": variants})

    @property
    def baseline(self) -> Variant:
        """What the others are measured against."""
        return self.variants[0]


@dataclass(frozen=True)
class Finding:
    """What one backend showed of one claim with one thread budget. Times in seconds per call."""

    claim: Claim
    backend: str
    threads: int
    status: str
    reason: str
    device: str
    output: str
    isolation: str
    process: NDArray[np.int64]
    samples: Mapping[str, NDArray[np.float64]]
    branches: Mapping[str, Mapping[str, NDArray[np.float64]]]
    steps_s: Mapping[str, Mapping[str, Mapping[str, float]]]
    smallest_call_s: float
    error_ratio: float

    @property
    def timed(self) -> bool:
        """Whether there is a time to show."""
        return self.status == OK

    @property
    def comparable(self) -> bool:
        """Whether its time may enter a ratio."""
        return self.timed and self.isolation != "in-process"

    def series(self, variant: str, branch: str | None = None) -> Series:
        """Rounds of a variant, or of one of its branches, with names and starts."""
        seconds = self.samples[variant] if branch is None else self.branches[variant][branch]
        return Series.of(seconds, round_names(self.process), self.process)


@dataclass(frozen=True)
class Gain:
    """Time of the baseline over time of ``variant``, for a whole claim, one of its branches, or a total of claims.

    ``predicted``: by measure; ``expected`` is the one from which a gain in time is predicted. ``findings`` are those
    that the times came from.
    """

    title: str
    branch: str | None
    backend: str
    threads: int
    variant: str
    predicted: Mapping[str, float]
    expected: float
    ratio: float
    low: float
    high: float
    verdict: str
    rounds: int
    starts: int
    findings: tuple[Finding, ...]

    def of_one(self, claim: Claim) -> bool:
        """Whether it is a gain of this claim, not of a total that it is part of."""
        return len(self.findings) == 1 and self.findings[0].claim is claim

    @property
    def against_prediction(self) -> str:
        """What the interval, widened by the margin of practical equality, says of the prediction."""
        if self.verdict == "few":
            return "too few rounds to tell"
        if self.high * (1 + MARGIN) < self.expected:
            return "short of it"
        if self.low > self.expected * (1 + MARGIN):
            return "beyond it"
        if self.high > self.low * WIDEST:
            return "undecided"
        return "as predicted"


@dataclass(frozen=True)
class Claims:
    """Everything of one run: definitions, findings, gains, and a sentence on each line that could not be used."""

    claims: tuple[Claim, ...]
    findings: tuple[Finding, ...]
    gains: tuple[Gain, ...]
    defects: tuple[str, ...]


def load_claims(folder: Path, described: Any) -> Claims:
    """The claims of the run in ``folder``; ``described`` is the key ``claims`` of its run.json."""
    claims, defects = _described(described)
    findings, left_out = _findings(folder / "claims.jsonl", claims)
    return Claims(
        tuple(claims.values()), findings, tuple(gains(list(claims.values()), findings)), (*defects, *left_out)
    )


def _described(values: Any) -> tuple[dict[str, Claim], list[str]]:
    if values is None:
        return {}, []
    if not isinstance(values, list):
        return {}, [f"run.json: claims is {shown(values)}, not a list; all claims are left out"]
    found: dict[str, Claim] = {}
    defects = []
    for place, value in enumerate(values):
        try:
            claim = Claim.of(read_claim(value))
        except Defect as defect:
            defects.append(f"run.json: {defect.under(f'claims[{place}]')}; this claim is left out")
            continue
        found[claim.name] = claim
    return found, defects


def _findings(path: Path, claims: Mapping[str, Claim]) -> tuple[tuple[Finding, ...], list[str]]:
    """The findings, and a sentence for each line that holds none."""
    branches = {
        name: {variant.name: set(variant.branches) for variant in claim.variants} for name, claim in claims.items()
    }
    found: dict[tuple[str, str, int], Finding] = {}
    defects = []
    for number, line in lines_of(path):
        values: Any = None
        try:
            values = json_of(line)
            finding = _finding(read_finding(values, branches), claims)
        except Defect as defect:
            defects.append(f"claims.jsonl, line {number}: {defect}")
            continue
        found[finding.claim.name, finding.backend, finding.threads] = finding
    return tuple(found.values()), defects


def _finding(line: Mapping[str, Any], claims: Mapping[str, Claim]) -> Finding:
    def arrays(series: Mapping[str, Sequence[float]]) -> dict[str, NDArray[np.float64]]:
        return {name: np.asarray(values, dtype=np.float64) for name, values in series.items()}

    return Finding(
        claim=claims[line["claim"]],
        backend=line["backend"],
        threads=line["threads"],
        status=line["status"],
        reason=line["reason"],
        device=line["device"],
        output=line["output"],
        isolation=line["isolation"],
        process=np.asarray(line["process"], dtype=np.int64),
        samples=arrays(line["samples_s"]),
        branches={variant: arrays(each) for variant, each in line["branches_s"].items()},
        steps_s=line["steps_s"],
        smallest_call_s=math.nan if line["smallest_call_s"] is None else line["smallest_call_s"],
        error_ratio=math.nan if line["error_ratio"] is None else line["error_ratio"],
    )


# --- predicted and measured ----------------------------------------------------------------------------------------


def gains(claims: Sequence[Claim], findings: Sequence[Finding]) -> list[Gain]:
    """Every comparison that the findings allow, in the order of the claims; totals come last."""
    open_gains = [
        *(one for claim in claims for finding in findings if finding.claim is claim for one in _of_finding(finding)),
        *_of_totals(claims, findings),
    ]
    # How much the starts disagree is learnt from the whole run, as it is for single problems.
    usual = usual_disagreement([pair_up(series) for _, series in open_gains])
    return [_measured(gain, pair_up(series, usual=usual)) for gain, series in open_gains]


Open = tuple[Gain, list[Series]]


def _of_finding(finding: Finding) -> Iterable[Open]:
    if not finding.comparable:
        return
    claim = finding.claim
    shared = set.intersection(*(set(each) for each in finding.branches.values())) if finding.branches else set()
    for variant in claim.variants[1:]:
        for branch in (
            None,
            *(name for name in claim.baseline.branches if name in shared and name in variant.branches),
        ):
            predicted = claim.baseline.arithmetic(branch).over(variant.arithmetic(branch))
            series = [finding.series(name, branch) for name in (variant.name, claim.baseline.name)]
            title = claim.name if branch is None else f"{claim.name}, {branch} branch"
            yield _blank(title, branch, finding, variant.name, predicted, claim.by, (finding,)), series


def _of_totals(claims: Sequence[Claim], findings: Sequence[Finding]) -> Iterable[Open]:
    """Claims that are added up, for each backend that has all of them: round i is the sum of their rounds i."""
    for total in dict.fromkeys(claim.total for claim in claims if claim.total):
        parts = [claim for claim in claims if claim.total == total]
        by_backend: dict[tuple[str, int], dict[str, Finding]] = {}
        for finding in findings:
            if finding.claim.total == total and finding.comparable:
                by_backend.setdefault((finding.backend, finding.threads), {})[finding.claim.name] = finding
        sides = [[claim.baseline for claim in parts], [claim.variants[-1] for claim in parts]]
        before, after = (
            Arithmetic.of(step for v in side for one in v.branches.values() for step in one) for side in sides
        )
        for own in by_backend.values():
            if len(own) == len(parts):
                chosen = tuple(own[claim.name] for claim in parts)
                first = chosen[0]
                series = [_summed(chosen, [variant.name for variant in side]) for side in reversed(sides)]
                name = sides[1][0].name
                yield _blank(total, None, first, name, before.over(after), parts[0].by, chosen), series


def _summed(findings: Sequence[Finding], variants: Sequence[str]) -> Series:
    """The rounds that all findings have, added up; starts are counted, since a worker may have been replaced."""
    totals: dict[tuple[int, int], float] = {}
    common: set[tuple[int, int]] | None = None
    for finding, variant in zip(findings, variants, strict=True):
        names = list(zip(*_places(finding.process), strict=True))
        common = set(names) if common is None else common & set(names)
        for name, seconds in zip(names, finding.samples[variant].tolist(), strict=True):
            totals[name] = totals.get(name, 0.0) + seconds
    kept = sorted(common or ())
    starts = [start for start, _ in kept]
    return Series.of([totals[name] for name in kept], [s * ROUNDS_APART + place for s, place in kept], starts)


def _blank(
    title: str,
    branch: str | None,
    finding: Finding,
    variant: str,
    predicted: Mapping[str, float],
    by: str,
    findings: tuple[Finding, ...],
) -> Gain:
    nothing = (math.nan, math.nan, math.nan, "few", 0, 0)
    return Gain(title, branch, finding.backend, finding.threads, variant, predicted, predicted[by], *nothing, findings)


def _measured(gain: Gain, pairs: Pairs) -> Gain:
    ((ratio, low, high, verdict, decidable, rounds, starts),) = zip(
        *(pairs.ratio, pairs.low, pairs.high, pairs.verdict, pairs.decidable, pairs.rounds, pairs.starts), strict=True
    )
    return Gain(
        gain.title,
        gain.branch,
        gain.backend,
        gain.threads,
        gain.variant,
        gain.predicted,
        gain.expected,
        float(ratio),
        float(low),
        float(high),
        str(verdict) if decidable else "few",
        int(rounds),
        int(starts),
        gain.findings,
    )


def round_names(process: NDArray[np.int64]) -> list[int]:
    """A name for each round: its start, counted, and its place there."""
    return [start * ROUNDS_APART + place for start, place in zip(*_places(process), strict=True)]


def _places(process: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """For each round the number of its start, counted from 0, and its place within it."""
    seen: dict[int, int] = {}
    counted: dict[int, int] = {}
    starts, places = [], []
    for number in process.tolist():
        starts.append(counted.setdefault(number, len(counted)))
        places.append(seen.get(number, 0))
        seen[number] = places[-1] + 1
    return starts, places
