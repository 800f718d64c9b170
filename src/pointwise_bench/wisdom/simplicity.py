"""Which backend is the simpler one: whose packages a program most likely has already, and which starts soonest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_BEGINNINGS: Final = ("numpy", "scipy", "numba", "torch", "onnxruntime", "openvino", "jax", "opencl")
"""First words of names, the simplest first: NumPy is a dependency, numba too but compiles, the others are extras in the
order of how many programs have them; OpenCL needs a driver. A plugin comes last: nobody here has read it."""

_COMPILES: Final = "compile"
"""A word of the names of those that call a compiler for seconds: behind all others of their library."""

DEFAULTS: Final = ("numba-microkernel", "numpy-matmul")
"""Whom to use where nothing was measured, the first that takes the problem. On 131 shapes of one machine the first was
1.3 % slower than the best on the geometric mean. The second needs nothing but NumPy and takes every problem."""


def simplicity(backend: str) -> tuple[int, bool, str]:
    """A key that sorts names, the simplest first."""
    words = backend.split("-")
    rank = _BEGINNINGS.index(words[0]) if words[0] in _BEGINNINGS else len(_BEGINNINGS)
    return rank, _COMPILES in words, backend


def simplest(backends: Iterable[str]) -> str:
    """The simplest of at least one."""
    return min(backends, key=simplicity)
