"""``optimize``: a model whose layers are computed in the ways that are fastest here, where that was measured to win."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass
from typing import Any

from pointwise_bench.torch.choosing import MODULES, ChosenWay
from pointwise_bench.torch.paired_times import SpeedUp, paired
from pointwise_bench.torch.program import Program
from pointwise_bench.torch.programs import Programs, close, make
from pointwise_bench.torch.sites import Site


@dataclass(frozen=True)
class OptimizedSite:
    """A convolution or linear layer by its name in the model: who computes it, with what that follows it, and why."""

    name: str
    way: str
    why: str
    with_norm: bool = False
    with_scale: bool = False
    with_add: bool = False
    activation: str = "none"

    def __str__(self) -> str:
        taken = ["normalisation"] * self.with_norm + ["scale"] * self.with_scale + ["addition"] * self.with_add
        taken += [self.activation] * (self.activation != "none")
        return f"{self.name}{' with ' * bool(taken)}{', '.join(taken)}: {self.way} ({self.why})"


@dataclass(frozen=True)
class Report:
    """What became of a model: whether it is computed in other ways, and ``speed_up`` over the model as it was."""

    used: bool
    why: str
    sites: tuple[OptimizedSite, ...] = ()
    speed_up: SpeedUp | None = None

    def __str__(self) -> str:
        return "\n".join([*map(str, self.sites), self.why])


def optimize(model: Any, example: Any) -> Any:
    """A module that computes what ``model`` does, in the ways that are fastest here for inputs such as ``example``.

    ``example`` is one float32 tensor on the CPU, a batch that the model is called with. The result shares the model's
    parameters and buffers by name; ``pointwise_report`` of it says what was done, where and why. In training, where
    gradients are enabled (so call it under ``torch.no_grad()``), under autocast and on another device it is the model
    as it was, and so it is if that was not measured to be slower on ``example``, in paired rounds.
    """
    import torch

    if not torch.is_tensor(example):
        raise ValueError("example must be one tensor: a batch that the model is called with")
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            programs, report = _decided(model, example)
    finally:
        for module, mode in modes:  # a model in training may have modules that are not
            module.training = mode
    result = copy.copy(model)  # shares what holds parameters and modules
    result.__class__ = _optimized(type(model))
    result.pointwise_report = report
    result._pointwise_programs = programs
    return result


def _optimized(kind: Any) -> Any:
    """A class of models that ask their programs first; copies and pickles of them are of the class as it was."""
    import torch

    class Optimized(kind):  # type: ignore[misc]
        def forward(self, *inputs: Any, **options: Any) -> Any:
            """The model's, by a program where one holds."""
            programs = self._pointwise_programs
            if (
                programs is not None
                and len(inputs) == 1
                and not options
                and type(inputs[0]) is torch.Tensor
                and inputs[0].device.type == "cpu"
                and inputs[0].dtype == torch.float32
                and not (self.training or torch.is_grad_enabled() or torch.is_autocast_enabled("cpu"))
                and not (torch.compiler.is_compiling() or torch.jit.is_tracing())
                and (result := programs.call(inputs[0])) is not None
            ):
                return result
            return super().forward(*inputs, **options)

        def __reduce_ex__(self, protocol: Any) -> Any:
            plain = kind.__new__(kind)
            plain.__dict__.update({key: value for key, value in self.__dict__.items() if key not in _OURS})
            made, arguments, *state = plain.__reduce_ex__(protocol)
            return (_made, (made, arguments), *state)

    Optimized.__name__, Optimized.__qualname__, Optimized.__module__ = kind.__name__, kind.__qualname__, kind.__module__
    return Optimized


def _made(make_one: Any, arguments: Any) -> Any:
    """What a pickle calls: it would refuse to make an object of another class than that of the one it was given."""
    return make_one(*arguments)


_OURS = ("pointwise_report", "_pointwise_programs")


def _decided(model: Any, example: Any) -> tuple[Programs | None, Report]:
    """The model's programs, None where it is better left alone; and what is to be said of it."""
    import torch

    if example.dtype != torch.float32 or example.device.type != "cpu":
        return None, Report(False, f"left as it was: computes {example.dtype} on {example.device.type}")
    try:
        program = make(model, example)
    except Exception as error:  # what a model does in Python has no bounds
        return None, Report(False, f"left as it was: it cannot be traced ({type(error).__name__}: {error})")
    sites = tuple(_said(site, program) for site in program.sites)
    if all(site.way == MODULES for site in sites):
        return None, Report(False, "left as it was: nothing in it is computed faster in another way", sites)
    if not close(model(example), program(example)):
        return None, Report(False, "left as it was: its result on the example would be another one", sites)
    programs = Programs(model, example, program)
    speed_up = paired(lambda: model(example), lambda: programs.call(example))
    measured = f"{speed_up.ratio:.2f} [{speed_up.low:.2f}, {speed_up.high:.2f}] times as fast as it was"
    if speed_up.low <= 1:
        return None, Report(False, f"left as it was: optimised it would be {measured}", sites, speed_up)
    counts = Counter(site.way for site in sites)
    ways = ", ".join(f"{count} by {way}" for way, count in counts.most_common())
    return programs, Report(True, f"optimised: {measured}; of {len(sites)} layers {ways}", sites, speed_up)


def _said(site: Site, program: Program) -> OptimizedSite:
    choice = program.choices.get(site.name, ChosenWay(MODULES, site.refusal)) if not site.refusal else None
    if choice is None:
        return OptimizedSite(site.name, MODULES, site.refusal)
    return OptimizedSite(
        site.name,
        choice.way,
        choice.why,
        with_norm=site.norm is not None,
        with_scale=site.scale is not None,
        with_add=site.add is not None,
        activation=site.activation,
    )
