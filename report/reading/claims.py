"""The claims of a run and what backends showed of them, read from run.json and claims.jsonl.

What cannot be used is named and left out. Nothing is compared here: gains are computed in the room ``claims``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointwise_bench.backends.problem import Problem
from pointwise_bench.common.formats import CLAIMS_FILE, IN_PROCESS
from pointwise_bench.common.status import OK
from pointwise_bench.report.reading.claim_format import read_claim, read_result
from pointwise_bench.report.reading.json_lines import json_of_line, lines_of
from pointwise_bench.report.reading.value_readers import Defect, shown

ReadStep = tuple[str, Problem]


@dataclass(frozen=True)
class ReadVariant:
    """One way of computing: the steps of each of its branches from which something is predicted."""

    name: str
    branches: Mapping[str, tuple[ReadStep, ...]]

    def steps(self, branch: str | None = None) -> list[ReadStep]:
        """The steps of one branch, or of all."""
        chosen = self.branches.values() if branch is None else (self.branches[branch],)
        return [step for steps in chosen for step in steps]

    def products(self, branch: str | None = None) -> list[Problem]:
        """The products of one branch, or of all."""
        return [problem for kind, problem in self.steps(branch) if kind == "product"]


@dataclass(frozen=True)
class ReadClaim:
    """``by``: the measure from which the gain in time is predicted."""

    name: str
    number: int
    says: str
    source: str
    total: str
    by: str
    variants: tuple[ReadVariant, ...]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> ReadClaim:
        """From what ``claim_format.read_claim`` read."""
        variants = tuple(
            ReadVariant(each["name"], {branch: tuple(steps) for branch, steps in each["branches"].items()})
            for each in values["variants"]
        )
        return cls(**{**values, "variants": variants})

    @property
    def baseline(self) -> ReadVariant:
        """What the others are measured against."""
        return self.variants[0]


@dataclass(frozen=True)
class ReadClaimResult:
    """What one backend showed of one claim with one thread budget. Times in seconds per call."""

    claim: ReadClaim
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
        """Whether the ways of computing may be compared; not in-process, where other threads disturbed them."""
        return self.timed and self.isolation != IN_PROCESS


@dataclass(frozen=True)
class ReadClaims:
    """The claims of one run: their definitions, every result, and a sentence on each entry that was left out."""

    claims: tuple[ReadClaim, ...]
    results: tuple[ReadClaimResult, ...]
    defects: tuple[str, ...]

    @property
    def backends(self) -> list[str]:
        """Every backend that was asked for a claim, by name."""
        return sorted({result.backend for result in self.results})


def read_claims(folder: Path, described: Any) -> ReadClaims:
    """The claims of the run in ``folder``; ``described`` is the key ``claims`` of its run.json."""
    claims, defects = _described(described)
    results, left_out = _results(folder / CLAIMS_FILE, claims)
    return ReadClaims(tuple(claims.values()), results, (*defects, *left_out))


def _described(values: Any) -> tuple[dict[str, ReadClaim], list[str]]:
    if values is None:
        return {}, []
    if not isinstance(values, list):
        return {}, [f"run.json: claims is {shown(values)}, not a list; all claims are left out"]
    found: dict[str, ReadClaim] = {}
    defects = []
    for place, value in enumerate(values):
        try:
            claim = ReadClaim.of(read_claim(value))
        except Defect as defect:
            defects.append(f"run.json: {defect.under(f'claims[{place}]')}; this claim is left out")
            continue
        found[claim.name] = claim
    return found, defects


def _results(path: Path, claims: Mapping[str, ReadClaim]) -> tuple[tuple[ReadClaimResult, ...], list[str]]:
    """The results, and a sentence for each line that holds none."""
    branches = {
        name: {variant.name: set(variant.branches) for variant in claim.variants} for name, claim in claims.items()
    }
    found: dict[tuple[str, str, int], ReadClaimResult] = {}
    defects = []
    for number, line in lines_of(path):
        values: Any = None
        try:
            values = json_of_line(line)
            result = _result(read_result(values, branches), claims)
        except Defect as defect:
            defects.append(f"claims.jsonl, line {number}: {defect}")
            continue
        found[result.claim.name, result.backend, result.threads] = result
    return tuple(found.values()), defects


def _result(line: Mapping[str, Any], claims: Mapping[str, ReadClaim]) -> ReadClaimResult:
    def arrays(series: Mapping[str, Sequence[float]]) -> dict[str, NDArray[np.float64]]:
        return {name: np.asarray(values, dtype=np.float64) for name, values in series.items()}

    return ReadClaimResult(
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
