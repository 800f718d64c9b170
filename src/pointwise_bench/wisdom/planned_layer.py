"""What a caller of ``plan`` is handed: a layer of the backend that was chosen, for NumPy arrays."""

from __future__ import annotations

import statistics
import time
from typing import Any, Final, Literal, Protocol, cast

import numpy as np
import numpy.typing as npt

from pointwise_bench.backends.backend import Backend, Layer
from pointwise_bench.backends.problem import Problem

Array = npt.NDArray[Any]

_HANDINGS: Final = 31
"""Calls of which the cost of handing arrays over is the median."""


class PlannedLayer(Protocol):
    """``y = layer(x)`` for arrays of one shape and type: a function that also says what it is.

    ``backend`` computes it, for the reason ``why``. ``output`` is ``"fresh"`` where each call returns new memory, and
    ``"reused"`` where the next call overwrites it. ``unchecked`` is the same without a look at what it is given.
    """

    problem: Problem
    backend: str
    why: str
    threads: int
    output: Literal["fresh", "reused"]
    unchecked: Layer

    def __call__(self, x: Array, /) -> Array:
        """The result for ``x``; ``ValueError`` for an array of another kind than was planned for."""


def planned(problem: Problem, backend: Backend, layer: Layer, threads: int, why: str) -> PlannedLayer:
    """``layer`` of ``backend``, with a look at each array that costs half a microsecond.

    It is not left out: a kernel that is given another array than it was made for reads memory that is not its own. A
    function, since calling an object of a class of ours costs as much again.
    """
    shape, dtype = problem.input_shape, np.dtype(problem.dtype)
    own = layer if takes_arrays(backend) else _handing_over(backend, layer)

    def call(x: Array) -> Array:
        if x.shape != shape or x.dtype is not dtype or not x.flags.c_contiguous:
            look_again(x)
        return own(x)  # type: ignore[no-any-return]

    def look_again(x: Array) -> None:
        """Types that are equal may be two objects."""
        if x.shape != shape or x.dtype != dtype or not x.flags.c_contiguous:
            order = "" if x.flags.c_contiguous else ", not C-contiguous"
            raise ValueError(f"x must be {dtype} of {shape}, C-contiguous; got {x.dtype} of {x.shape}{order}")

    result = cast("PlannedLayer", call)
    result.problem, result.threads = problem, threads
    result.backend, result.why = backend.name, why
    result.output, result.unchecked = backend.output, own
    return result


def takes_arrays(backend: Backend) -> bool:
    """Whether its layer takes and returns NumPy's arrays as they are, and nothing is left to do when it returns."""
    kind = type(backend)
    return all(getattr(kind, name) is getattr(Backend, name) for name in ("to_device", "to_numpy", "sync"))


def _handing_over(backend: Backend, layer: Layer) -> Layer:
    to_device, to_numpy, sync = backend.to_device, backend.to_numpy, backend.sync

    def call(x: Array) -> Array:
        result = layer(to_device(x))
        sync()
        return to_numpy(result)

    return call


def handing_s(backend: Backend, layer: Layer, problem: Problem) -> float:
    """Seconds to make ``backend``'s own kind of array, and NumPy's of the result; 0 where they are the same.

    No run has measured it: there a backend is given arrays of its own kind.
    """
    if takes_arrays(backend):
        return 0.0
    x = np.zeros(problem.input_shape, problem.dtype)
    result = layer(backend.to_device(x))
    backend.sync()
    found = []
    for _ in range(_HANDINGS):
        began = time.perf_counter()
        backend.to_device(x)
        backend.to_numpy(result)
        found.append(time.perf_counter() - began)
    return statistics.median(found)
