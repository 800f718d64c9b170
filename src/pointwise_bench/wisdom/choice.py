"""Whom to use for a problem: as it was measured, else as its nearest measured ones suggest, else by a rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp
from typing import Final

from pointwise_bench.backends.problem import Problem
from pointwise_bench.wisdom.entries import WHYS, Wisdom, WisdomEntry
from pointwise_bench.wisdom.nearest import expected, neighbours, ordered
from pointwise_bench.wisdom.simplicity import DEFAULTS

_NO_WISDOM: Final = "nothing was measured on this machine that says more"


@dataclass(frozen=True)
class Choice:
    """Backends in the order in which they are tried, why the first is, and ``seconds`` of a call where known."""

    backends: tuple[str, ...]
    why: str
    seconds: Mapping[str, float] = field(default_factory=dict)


def choose(problem: Problem, threads: int, wisdom: Wisdom | None) -> Choice:
    """Always somebody, the defaults last: NumPy's takes whatever the others refuse."""
    entries = [] if wisdom is None else wisdom.of(threads)
    exact = next((entry for entry in entries if entry.problem == problem), None)
    if exact is not None:
        return _with_defaults(_measured(exact))
    near = neighbours(problem, entries)
    return _with_defaults(_estimated(problem, near) if near else Choice((), f"by the rule, since {_NO_WISDOM}"))


def _measured(entry: WisdomEntry) -> Choice:
    said = f"measured in run {entry.run}: {WHYS[entry.why]}"
    if (other := entry.next) is not None:
        said += f", {other.ratio:.2f} [{other.low:.2f}, {other.high:.2f}] times the time for {other.backend}"
    seconds = {entry.backend: entry.seconds} | {rival.backend: rival.ratio * entry.seconds for rival in entry.rivals}
    return Choice(tuple(seconds), said, seconds)


def _estimated(problem: Problem, near: list[WisdomEntry]) -> Choice:
    behind = expected(problem, near)
    nearest = near[0]
    fastest = nearest.fastest_s() * max(problem.macs, 1) / nearest.problem.macs
    seconds = {backend: fastest * exp(log) for backend, log in behind.items()}
    return Choice(tuple(ordered(behind)), f"not measured; nearest is {nearest.problem} of {len(near)} asked", seconds)


def _with_defaults(choice: Choice) -> Choice:
    further = (name for name in DEFAULTS if name not in choice.backends)
    return Choice((*choice.backends, *further), choice.why, choice.seconds)
