"""``claims.jsonl``: a line for each claim, backend and thread budget. See docs/RESULTS_FORMAT.md."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from pointwise_bench.common.formats import CLAIMS_FILE
from pointwise_bench.common.status import Status
from pointwise_bench.suites.harness.claims.timed_claim import ClaimSamples
from pointwise_bench.suites.harness.record.json_lines import append_lines, lines_in
from pointwise_bench.suites.harness.record.mending import mend
from pointwise_bench.suites.harness.record.typed_lines import misfit

DIGITS: Final = 5  # of a time: a hundredth of a per mille

ClaimKey = tuple[str, str, int]


@dataclass
class ClaimResult:
    """The result of one claim with one backend and thread budget. Times in seconds per call."""

    claim: str
    backend: str
    threads: int
    device: str
    output: str
    isolation: str
    started_at: str
    status: Status = "ok"
    reason: str = ""
    process: list[int] = field(default_factory=list)
    samples_s: dict[str, list[float]] = field(default_factory=dict)
    branches_s: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    calls: dict[str, list[int]] = field(default_factory=dict)
    steps_s: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    smallest_call_s: float | None = None
    error_ratio: float | None = None
    cpu_over_wall: float | None = None

    @property
    def key(self) -> ClaimKey:
        """What identifies it within a run."""
        return (self.claim, self.backend, self.threads)

    def end(self, status: Status, reason: str, error_ratio: float | None = None) -> None:
        """Close it with a status other than ``ok``: times that are not valid are not kept."""
        self.status, self.reason, self.error_ratio = status, reason, error_ratio
        self.process, self.samples_s, self.branches_s, self.calls, self.steps_s = [], {}, {}, {}, {}
        self.smallest_call_s = self.cpu_over_wall = None

    def unite_starts(self, samples_by_start: dict[int, ClaimSamples]) -> None:
        """Fill it with the samples of all starts of the worker, by the number of the start, one after the other."""
        all_samples = list(samples_by_start.values())
        for number, one in samples_by_start.items():
            self.process += [number] * len(next(iter(one.samples_s.values())))
            for variant, samples in one.samples_s.items():
                self.samples_s.setdefault(variant, []).extend(map(_digits, samples))
                self.calls.setdefault(variant, []).append(one.calls[variant])
            for variant, branches in one.branches_s.items():
                for branch, samples in branches.items():
                    of_variant = self.branches_s.setdefault(variant, {})
                    of_variant.setdefault(branch, []).extend(map(_digits, samples))
        for variant, steps in all_samples[0].steps_s.items():
            self.steps_s[variant] = {
                branch: {
                    kind: _median(one.steps_s[variant][branch].get(kind, 0.0) for one in all_samples) for kind in kinds
                }
                for branch, kinds in steps.items()
            }
        smallest = [seconds for one in all_samples for seconds in one.smallest_call_s]
        self.smallest_call_s = _median(smallest) if smallest else None
        self.error_ratio = max((one.error_ratio for one in all_samples if one.error_ratio is not None), default=None)
        self.cpu_over_wall = max(one.cpu_over_wall for one in all_samples)


class ClaimFile:
    """The results of the claims of one run, on disk and in memory: some hundreds of small lines."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / CLAIMS_FILE
        self._results: dict[ClaimKey, ClaimResult] = {}
        known = {each.name for each in fields(ClaimResult)}
        self.damage = mend(self._path, _fault)
        """What could not be used of the file as it was found."""
        for _, line in lines_in(self._path):
            result = ClaimResult(**{name: value for name, value in line.items() if name in known})
            self._results[result.key] = result

    def append(self, results: Iterable[ClaimResult]) -> None:
        """Add finished claims in one write; on disk when this returns."""
        added = list(results)
        append_lines(self._path, map(asdict, added))
        self._results |= {each.key: each for each in added}

    def __contains__(self, key: ClaimKey) -> bool:
        return key in self._results

    def __len__(self) -> int:
        return len(self._results)

    def result(self, key: ClaimKey) -> ClaimResult:
        """The result of a finished claim. ``KeyError`` where there is none."""
        return self._results[key]

    @property
    def statuses(self) -> dict[str, int]:
        """How many results there are of each status."""
        return dict(sorted(Counter(each.status for each in self._results.values()).items()))


def _digits(seconds: float) -> float:
    return float(f"{seconds:.{DIGITS}g}")


def _median(values: Iterable[float]) -> float:
    return _digits(statistics.median(values))


def _fault(line: dict[str, Any]) -> str | None:
    return misfit(line, ClaimResult, more=True)
