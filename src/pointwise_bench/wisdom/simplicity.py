"""Which backend is the simpler one: whose library a program most likely has already, and which starts soonest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pointwise_bench.common.heavy_packages import HEAVY_PACKAGES
from pointwise_bench.common.requirements import DEPENDENCIES
from pointwise_bench.common.what_people_use import WHAT_PEOPLE_USE

_LIBRARIES_IN_USE: Final = frozenset(name.partition("-")[0] for name in WHAT_PEOPLE_USE)

_COMPILES: Final = "compile"
"""A word of the names of those that call a compiler for seconds: behind all others of their library."""

DEFAULTS: Final = ("numba-microkernel", "numpy-matmul")
"""Whom to use where nothing was measured, the first that takes the problem. On 131 shapes of one machine the first was
0.5 % slower than the best on the geometric mean (docs/WISDOM.md). The second needs NumPy alone, and takes all."""


def simplicity(backend: str) -> tuple[int, int, bool, str]:
    """A key that sorts names, the simplest first.

    By the library, which is the first word of a name: what this project itself depends on, NumPy above all; what people
    use; the other libraries; and last a plugin, which nobody here has read.
    """
    words = backend.split("-")
    library, compiles = words[0], _COMPILES in words
    if library in DEPENDENCIES:
        return 0, DEPENDENCIES.index(library), compiles, backend
    known = 1 if library in _LIBRARIES_IN_USE else 2 if library in HEAVY_PACKAGES else 3
    return known, 0, compiles, backend


def simplest(backends: Iterable[str]) -> str:
    """The simplest of at least one."""
    return min(backends, key=simplicity)
