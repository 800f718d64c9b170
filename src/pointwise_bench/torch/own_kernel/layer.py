"""The project's own kernel for a site of a model: rows of channels in, rows out, carried out by PyTorch's threads.

The microkernel's schedule says who computes what. Here its sweeps are cut into pieces, one for each block of pixels,
and what follows the convolution in the model is done behind each piece (see ``finishing``).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Final

from pointwise_bench.backends._microkernel.layer import aligned, plan_of, scheduled
from pointwise_bench.backends._microkernel.sweep import Sweep
from pointwise_bench.backends.problem import Problem
from pointwise_bench.torch.own_kernel.team import ThreadTeam, team
from pointwise_bench.torch.own_kernel.words import ACTIVATIONS, BEGINS, OTHER, X, Y

PIECE_ELEMENTS: Final = 2**15
"""128 KiB, which every second-level cache still holds when they are finished."""

Region = tuple[int, int, int, int]
"""What a piece has written: begin in bytes, rows, bytes from row to row, elements of a row."""


@dataclass
class Kernel:
    """``kernel(x, other)`` of addresses, once ``result`` has said where the result is to lie; 0 is no ``other``."""

    _words: Any
    _open: Callable[[], None]
    _held: Any

    def result(self, address: int) -> None:
        """Whoever calls from now on finds the result there."""
        self._words[Y] = address

    def __call__(self, x: int, other: int = 0) -> None:
        """Compute it."""
        words = self._words
        words[X], words[OTHER] = x, other
        self._open()


def own_kernel(problem: Problem, weight: Any, bias: Any, activation: str, threads: int) -> Kernel:
    """For a float32 ``problem`` in NHWC without an activation of its own; ``activation`` is one of ``ACTIVATIONS``.

    ``weight`` and ``bias`` are arrays, and copied.
    """
    from pointwise_bench.backends._microkernel import compiled

    shared = team() if threads > 1 else None
    plain = replace(problem, activation="none")
    parts, memory, arrays = scheduled(plain, weight, bias, threads if shared else 1)
    pieces = [_pieces(part) for part in parts]
    plan = plan_of(plain, [piece for part in pieces for piece in part], memory, compiled.folder())
    regions = [[_region(piece) for piece in part] for part in pieces]
    return assembled(compiled.work("float32"), plan, regions, activation, shared, arrays)


def assembled(
    work: int, plan: Any, parts: Sequence[Sequence[Region]], activation: str, shared: ThreadTeam | None, held: Any
) -> Kernel:
    """What carries out the function ``(x, y, plan, piece)`` at an address for all pieces of all parts.

    ``held`` lives as long as the kernel does, as ``plan`` is made of addresses.
    """
    flat = [region for part in parts for region in part]
    begins = [sum(map(len, parts[:number])) for number in range(len(parts) + 1)]
    zeros = aligned((max(elements for *_, elements in flat),), "float32")
    numbers = (shared.thread, shared.team) if shared and len(parts) > 1 else (0, 0)
    activity = ACTIVATIONS.index(activation)
    known = (work, 0, 0, plan.ctypes.data, 0, activity, *numbers, len(parts), zeros.ctypes.data)
    regions = [word for region in flat for word in region]
    words = (ctypes.c_int64 * (BEGINS + len(begins) + len(regions)))(*known, *begins, *regions)
    return Kernel(words, _opener(ctypes.addressof(words), len(parts), shared), (words, plan, held, zeros))


def _opener(words: int, parts: int, shared: Any) -> Callable[[], None]:
    from pointwise_bench.torch.own_kernel.finishing import carried_out

    function = carried_out.address
    if parts == 1 or shared is None:
        alone = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(function)
        return lambda: alone(words)
    region = shared.region
    return lambda: region(function, words, parts, 0)


def _pieces(part: list[Sweep]) -> list[list[Sweep]]:
    """Sweeps of one block of pixels that write neighbouring channels; as many as a cache holds."""
    pieces: list[list[Sweep]] = []
    for _, block in groupby(part, key=lambda sweep: (sweep.x, sweep.rows)):
        pieces.append([])
        for sweep in block:
            if sum(one.rows * one.valid for one in pieces[-1]) >= PIECE_ELEMENTS:
                pieces.append([])
            pieces[-1].append(sweep)
    return pieces


def _region(piece: list[Sweep]) -> Region:
    first = min(sweep.y for sweep in piece)
    return first, piece[0].rows, piece[0].y_row, sum(sweep.valid for sweep in piece)
