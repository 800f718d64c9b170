"""Which way computes a site, decided on what it was given in a first pass: by agreement, then by time in turns."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pointwise_bench.torch.agreement import agrees
from pointwise_bench.torch.sites import Site
from pointwise_bench.torch.ways import Way, by_kernel, by_modules, by_onednn, into

MODULES, ONEDNN, KERNEL = "modules", "oneDNN", "numba-microkernel"

TURNS: Final = 5
"""Of each way. The least time of them counts: a neighbour on the machine only ever adds to it, and what wins here is
held against the model as it was, whole and in pairs."""
LONGEST_S: Final = 0.1
"""Of one way's turns, after the second."""


@dataclass
class ChosenWay:
    """The way of a site, and a sentence on it."""

    way: str
    why: str


def chosen(site: Site, x: Any, other: Any, threads: int) -> tuple[ChosenWay, Any]:
    """The fastest way of those that agree with the modules on ``x``; and the site's result."""
    modules = by_modules(site)
    given = (x,) if other is None else (x, other)
    right = modules(*given)
    ways: dict[str, Way] = {MODULES: modules}
    refused = []
    for name, made in candidates(site, x, right, threads).items():
        if agrees(site, x, other, made(*given), right):
            ways[name] = made
        else:
            refused.append(f"{name} differs from the modules by more than both may err")
    if len(ways) == 1:
        return ChosenWay(MODULES, "; ".join(refused) or "nothing else computes it"), right
    least = _least_times({name: _call(way, given) for name, way in ways.items()})
    ordered = sorted(least, key=lambda name: least[name])
    times = ", ".join(f"{name} {least[name] * 1e6:.0f} us" for name in ordered)
    return ChosenWay(ordered[0], "; ".join([times, *refused])), right


def candidates(site: Site, x: Any, result: Any, threads: int) -> dict[str, Way]:
    """Ways beside the modules, by name."""
    import torch

    made: dict[str, Way] = {}
    if (one := by_onednn(site, x)) is not None:
        made[ONEDNN] = one
    if (kernel := by_kernel(site, x, threads)) is not None:
        made[KERNEL] = into(kernel, site, x, torch.empty(result.numel()))
    return made


def _call(way: Way, given: tuple[Any, ...]) -> Callable[[], Any]:
    return lambda: way(*given)


def _least_times(calls: dict[str, Callable[[], Any]]) -> dict[str, float]:
    least = dict.fromkeys(calls, float("inf"))
    began = time.perf_counter()
    for turn in range(TURNS):
        order = list(calls)
        random.shuffle(order)
        for name in order:
            call = calls[name]
            call()
            start = time.perf_counter()
            call()
            call()
            least[name] = min(least[name], (time.perf_counter() - start) / 2)
        if turn and time.perf_counter() - began > LONGEST_S * len(calls):
            break
    return least
