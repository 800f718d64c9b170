"""The ways to compute a model that are held beside each other, each with its results held to the model's own."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pointwise_bench.common.formats import EAGER, ONNX_RUNTIME, OPTIMISED, TORCH_COMPILE, WITHOUT_KERNEL
from pointwise_bench.optimizing.onnx_process import NoOnnxRuntime, OnnxProcess, first_line
from pointwise_bench.optimizing.turns import Timed, timed
from pointwise_bench.torch import Report, optimize
from pointwise_bench.torch.choosing import KERNEL, MODULES, ONEDNN, ChosenWay
from pointwise_bench.torch.programs import close, make

RIVALS: Final = (TORCH_COMPILE, ONNX_RUNTIME)


@dataclass
class Contestants:
    """``timed`` by way, why others are ``absent``, and by how much results ``differ`` at most, over the largest."""

    report: Report
    timed: dict[str, Timed] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)
    differ: dict[str, float] = field(default_factory=dict)

    def admit(self, name: str, way: Timed, reached: Any, right: Any) -> None:
        """To the rounds, where its results are the model's."""
        reached, right = _tensors(reached), _tensors(right)
        if [one.shape for one in reached] != [one.shape for one in right]:
            self.wrong[name] = "its results have other shapes than the model's"
        elif not close(right, reached):
            self.wrong[name] = f"its results differ by {difference(right, reached):.1e} of the largest"
        else:
            self.timed[name], self.differ[name] = way, difference(right, reached)


@contextmanager
def contestants(model: Any, x: Any, threads: int, skipped: Collection[str], folder: Path) -> Iterator[Contestants]:
    """All of them, ready to be timed; call it without gradients. ONNX Runtime's process ends with it."""
    ours = optimize(model, x)
    right = model(x)
    found = Contestants(ours.pointwise_report)
    found.admit(EAGER, timed(lambda: model(x)), model(x), right)
    found.admit(OPTIMISED, timed(lambda: ours(x)), ours(x), right)
    _without_kernel(found, model, x, right)
    for name in skipped:
        found.absent[name] = "not asked for"
    if TORCH_COMPILE not in skipped:
        _compiled(found, model, x, right)
    process = None if ONNX_RUNTIME in skipped else _onnx(found, model, x, right, threads, folder)
    try:
        yield found
    finally:
        if process is not None:
            process.close()


def _without_kernel(found: Contestants, model: Any, x: Any, right: Any) -> None:
    """The same with the kernel's layers given to who was next: what the kernel adds."""
    report = found.report
    if not report.used or all(site.way != KERNEL for site in report.sites):
        found.absent[WITHOUT_KERNEL] = "left as it was" if not report.used else "no layer uses the kernel"
        return
    choices = {}
    for site in report.sites:
        other = ONEDNN if ONEDNN in site.why else MODULES
        choices[site.name] = ChosenWay(other if site.way == KERNEL else site.way, site.why)
    program = make(model, x, choices)
    found.admit(WITHOUT_KERNEL, timed(lambda: program(x)), program(x), right)


def _compiled(found: Contestants, model: Any, x: Any, right: Any) -> None:
    import torch

    try:
        compiled = torch.compile(model)
        reached = compiled(x)
    except Exception as error:  # such as no compiler here
        found.absent[TORCH_COMPILE] = f"{type(error).__name__}: {first_line(error)}"
        return
    found.admit(TORCH_COMPILE, timed(lambda: compiled(x)), reached, right)


def _onnx(found: Contestants, model: Any, x: Any, right: Any, threads: int, folder: Path) -> OnnxProcess | None:
    try:
        process = OnnxProcess(model, x, threads, folder)
    except NoOnnxRuntime as error:
        found.absent[ONNX_RUNTIME] = str(error)
        return None
    found.admit(ONNX_RUNTIME, process, process.results(), right)
    return process


def difference(right: list[Any], reached: list[Any]) -> float:
    """The largest, over the largest number among the right results."""
    pairs = [(one.double(), other.double()) for one, other in zip(right, reached, strict=True) if one.numel()]
    largest = max((float(one.abs().max()) for one, _ in pairs), default=0.0)
    apart = max((float((one - other).abs().max()) for one, other in pairs), default=0.0)
    return apart / largest if largest else apart


def _tensors(result: Any) -> list[Any]:
    import torch
    from torch.utils import _pytree

    return [one.detach().clone() for one in _pytree.tree_leaves(result) if torch.is_tensor(one)]
