"""Whether the memory of this machine holds what the harness makes of a problem: said before anything is made.

A problem that does not fit ends in a ``MemoryError`` of the harness at best. At worst the system grants more memory
than there is, and kills whoever has taken most when it runs out: the harness, with every other cell.
"""

from __future__ import annotations

import math
import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from pointwise_bench import Problem
from pointwise_bench.backends.problem import ITEM_BYTES
from pointwise_bench.common.cores import CGROUPS

CASES: Final = 7
"""Sets of inputs with their answers, see :class:`verify.cases.CaseSet`."""
BOUNDED: Final = 4
"""Of them, those that have bounds of the error too."""
LAYERS: Final = 2
"""Sets of weights: of the layer that is timed, and of the one with whole numbers."""
RESULTS: Final = 10
"""Results of one backend that are held at once while they are compared."""
WIDEST: Final = 8  # bytes of an element of what is computed on the way, in float64
SHARE: Final = 0.9  # of what the system calls available, which is an estimate
GIB: Final = 2**30


def lacks_room(problem: Problem, at_once: int = 1) -> str | None:
    """A sentence with the bytes where the problem does not fit; None where it does.

    ``at_once``: backends that answer beside each other, each with memory of its own for its results.
    """
    needed, available = predicted_bytes(problem, at_once), available_bytes()
    if needed <= SHARE * available:
        return None
    return (
        f"too large for the memory here: its inputs, weights, answers and their copies take some {_gib(needed)} GiB, "
        f"and {_gib(available)} GiB are free"
    )


def predicted_bytes(problem: Problem, at_once: int = 1) -> int:
    """What making the cases of ``problem``, and handing them to workers, takes at its peak. An upper estimate."""
    item = ITEM_BYTES[problem.dtype]
    read, weights, written = _elements(problem)
    kept = (CASES * read + LAYERS * weights) * item
    answers = (CASES + BOUNDED) * written * WIDEST
    # One operand and one result in float64, signs of a byte each, and a second copy of the one that is arranged.
    on_the_way = read * (WIDEST + 2 + item) + weights * WIDEST + 2 * written * WIDEST
    return 2 * kept + answers + on_the_way + at_once * RESULTS * written * item


def available_bytes() -> int:
    """Memory that this process can still get: the machine's, its control group's, and its own limits."""
    import psutil  # not where the module is imported: a worker never asks

    return max(0, min([int(psutil.virtual_memory().available), *_of_groups(), *_of_limits()]))


def _elements(problem: Problem) -> tuple[int, int, int]:
    """Elements that a call reads as its inputs, of the weights, and of its result."""
    x, weight, y = (math.prod(shape) for shape in (problem.input_shape, problem.weight_shape, problem.output_shape))
    if problem.direction == "backward-input":
        return y, weight, x
    return (x + y, 0, weight) if problem.direction == "backward-weight" else (x + y * problem.add, weight, y)


def _of_groups() -> Iterator[int]:
    """What the control group of this process leaves, in both versions; nothing where it has no limit."""
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        with suppress(OSError, ValueError):  # no such file, or "max"
            yield int((CGROUPS / limit).read_text()) - int((CGROUPS / used).read_text())


def _of_limits() -> Iterator[int]:
    """What the limits of this process leave (``ulimit -v``, ``ulimit -d``)."""
    with suppress(OSError, ValueError, IndexError):
        pages = Path("/proc/self/statm").read_text().split()
        for which, field in ((resource.RLIMIT_AS, 0), (resource.RLIMIT_DATA, 5)):
            soft, _ = resource.getrlimit(which)
            if soft != resource.RLIM_INFINITY:
                yield soft - int(pages[field]) * os.sysconf("SC_PAGE_SIZE")


def _gib(count: int) -> str:
    return f"{count / GIB:,.3g}" if count < 1000 * GIB else f"{count // GIB:,}"
