"""Reports of layers that were slow or wrong in somebody's library, and whether a run shows the same."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Literal

from pointwise_bench.report.analysis.wording import times

if TYPE_CHECKING:
    import pandas as pd

    from pointwise_bench.report.reading.run import Run

State = Literal["shown", "not shown", "open"]

_ONEDNN: Final = ("torch-conv2d",)
"""Whose kernels PyTorch's convolution calls on x86."""
_PRODUCTS: Final = ("torch-matmul", "torch-linear", "scipy-gemm", "numpy-matmul", "onnxruntime", "openvino")
"""Other ways to the same numbers, which a report held the accused against."""


@dataclass(frozen=True)
class UpstreamReport:
    """What somebody reported of one layer: ``factor`` is how many times slower it was; None where it was wrong.

    ``untold`` is what of the report a run does not repeat, and which may have been the cause.
    """

    said: str
    link: str
    accused: tuple[str, ...]
    rivals: tuple[str, ...]
    factor: float | None
    untold: str = ""

    @property
    def enough(self) -> float:
        """From which ratio on a run shows it: half of what was reported, as ratios are halved."""
        return math.sqrt(self.factor) if self.factor else math.nan


_TORCH: Final = "https://github.com/pytorch/pytorch/"
_INTEL: Final = "https://github.com/uxlfoundation/oneDNN/issues/"
_SUBNORMAL: Final = "subnormal weights, which a run does not ask for"

REPORTS: Final[Mapping[str, UpstreamReport]] = {
    "pytorch#67797": UpstreamReport(
        "convolution 100 times slower", f"{_TORCH}issues/67797", _ONEDNN, _PRODUCTS, 100.0, _SUBNORMAL
    ),
    "pytorch#63853": UpstreamReport(
        "linear layer 60 times slower", f"{_TORCH}issues/63853", ("torch-linear",), _PRODUCTS, 60.0, _SUBNORMAL
    ),
    "pytorch#40610": UpstreamReport(
        "convolution twice as slow as a matrix product", f"{_TORCH}pull/40610", _ONEDNN, _PRODUCTS, 2.0
    ),
    "pytorch#48885": UpstreamReport(
        "strided convolution slower than a matrix product", f"{_TORCH}pull/48885", _ONEDNN, _PRODUCTS, 1.2
    ),
    "pytorch#9671": UpstreamReport(
        "grouped convolution 25 times slower (Caffe2)", f"{_TORCH}pull/9671", ("torch-conv2d*",), _PRODUCTS, 25.0
    ),
    "pytorch#19912": UpstreamReport(
        "grouped convolution of one pixel wrong", f"{_TORCH}issues/19912", ("torch-*",), (), None
    ),
    "pytorch#156154": UpstreamReport(
        "convolution differs from a linear layer in a batch", f"{_TORCH}issues/156154", ("torch-*",), (), None
    ),
    "oneDNN#437": UpstreamReport("twice as slow as a matrix product", f"{_INTEL}437", _ONEDNN, _PRODUCTS, 2.0),
    "oneDNN#437-stride": UpstreamReport(
        "5.5 times as slow as a matrix product", f"{_INTEL}437", _ONEDNN, _PRODUCTS, 5.5
    ),
    "oneDNN#33": UpstreamReport("10 s where some ms were expected", f"{_INTEL}33", _ONEDNN, _PRODUCTS, 100.0),
    "oneDNN#406": UpstreamReport("half as fast as the version before", f"{_INTEL}406", _ONEDNN, _PRODUCTS, 2.0),
    "oneDNN#406-data": UpstreamReport("half as fast as the version before", f"{_INTEL}406", _ONEDNN, _PRODUCTS, 2.0),
}
"""By the name of the layer in the group ``museum``."""


@dataclass(frozen=True)
class Exhibit:
    """A report beside what a run says of it; ``seen`` is a phrase."""

    name: str
    problem: str
    threads: int
    report: UpstreamReport
    state: State
    seen: str


def exhibits(run: Run, timings: pd.DataFrame, comparisons: pd.DataFrame, group: str) -> list[Exhibit]:
    """One for each report and thread budget of which ``group`` has a cell in the run."""
    rows = timings[timings["group"] == group]
    columns = (rows[column].tolist() for column in ("name", "problem", "threads"))
    places = [place for place in dict.fromkeys(zip(*columns, strict=True)) if place[0] in REPORTS]
    pairs = _pairs(comparisons, {problem for _, problem, _ in places})
    statuses: dict[tuple[str, int], dict[str, str]] = {}
    for cell in run.cells:
        statuses.setdefault((cell.problem.id, cell.threads), {})[cell.backend] = cell.status
    found = []
    for name, problem, threads in places:
        report = REPORTS[name]
        backends = statuses.get((problem, threads), {})
        if report.factor is None:
            state, seen = _wrong(report, backends)
        else:
            state, seen = _slow(report, backends, pairs.get((problem, threads), {}))
        found.append(Exhibit(name, problem, threads, report, state, seen))
    return found


def _wrong(report: UpstreamReport, statuses: Mapping[str, str]) -> tuple[State, str]:
    asked = {name: status for name, status in statuses.items() if _is_one_of(name, report.accused)}
    wrong = sorted(name for name, status in asked.items() if status in ("wrong", "crashed"))
    if wrong:
        return "shown", ", ".join(f"{name} is {asked[name]}" for name in wrong)
    right = sorted(name for name, status in asked.items() if status == "ok")
    return ("not shown", f"right: {', '.join(right)}") if right else ("open", "none of the accused was measured")


_Pair = tuple[float, float, float, str]


def _pairs(comparisons: pd.DataFrame, problems: set[str]) -> dict[tuple[str, int], dict[tuple[str, str], _Pair]]:
    """Of each problem and thread budget: by (accused, rival) how many times as long, its ends, and the verdict."""
    rows = comparisons[comparisons["problem"].isin(problems)]
    columns = ("problem", "threads", "backend_a", "backend_b", "ratio", "low", "high", "verdict")
    turned = {"faster": "slower", "slower": "faster"}
    found: dict[tuple[str, int], dict[tuple[str, str], _Pair]] = {}
    for problem, threads, a, b, ratio, low, high, said in zip(*(rows[one].tolist() for one in columns), strict=True):
        own = found.setdefault((problem, threads), {})
        own[b, a] = (ratio, low, high, turned.get(said, said))
        own[a, b] = (1 / ratio, 1 / high, 1 / low, said)
    return found


def _slow(
    report: UpstreamReport, statuses: Mapping[str, str], pairs: Mapping[tuple[str, str], _Pair]
) -> tuple[State, str]:
    """The accused against the rival that it is furthest behind; of several accused the one that does best."""
    worst: dict[str, tuple[_Pair, str]] = {}
    for (one, other), pair in pairs.items():
        if _is_one_of(one, report.accused) and _is_one_of(other, report.rivals):
            worst[one] = max(worst.get(one, (pair, other)), (pair, other))
    if not worst:
        ill = sorted(name for name, status in statuses.items() if _is_one_of(name, report.accused) and status != "ok")
        return "open", ", ".join(f"{name} is {statuses[name]}" for name in ill) or "nobody to compare with"
    accused, ((ratio, low, high, verdict), rival) = min(worst.items(), key=lambda item: (item[1], item[0]))
    seen = f"{accused} takes {times(ratio, low, high)} as long as {rival}"
    if verdict == "undecided":
        return "open", f"{seen}, which decides nothing"
    return ("shown" if verdict == "slower" and ratio >= report.enough else "not shown"), seen


def _is_one_of(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
