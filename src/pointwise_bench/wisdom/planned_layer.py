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
    """``y = layer(x)``, or ``layer(x, residual)``, for arrays of one shape and type: a function that says what it is.

    ``backend`` computes it, for the reason ``why``. ``output`` is ``"fresh"`` where each call returns new memory, and
    ``"reused"`` where the next call overwrites it. ``unchecked`` is the same without a look at what it is given.
    """

    problem: Problem
    backend: str
    why: str
    threads: int
    output: Literal["fresh", "reused"]
    unchecked: Layer

    def __call__(self, x: Array, /, *residual: Array) -> Array:
        """The result; ``ValueError`` for an array of another kind than was planned for."""


def planned(problem: Problem, backend: Backend, layer: Layer, threads: int, why: str) -> PlannedLayer:
    """``layer`` of ``backend``, with a look at each array that costs half a microsecond.

    It is not left out: a kernel that is given another array than it was made for reads memory that is not its own. A
    function, since calling an object of a class of ours costs as much again.
    """
    shape, dtype = problem.input_shape, np.dtype(problem.dtype)
    own = layer if takes_arrays(backend) else _handing_over(backend, layer)
    of_residual = problem.output_shape

    def call(x: Array) -> Array:
        if x.shape != shape or x.dtype is not dtype or not x.flags.c_contiguous:
            _look_again("x", x, shape, dtype)
        return own(x)  # type: ignore[no-any-return]

    def adding(x: Array, residual: Array) -> Array:
        if x.shape != shape or x.dtype is not dtype or not x.flags.c_contiguous:
            _look_again("x", x, shape, dtype)
        if residual.shape != of_residual or residual.dtype is not dtype or not residual.flags.c_contiguous:
            _look_again("residual", residual, of_residual, dtype)
        return own(x, residual)  # type: ignore[no-any-return]

    result = cast("PlannedLayer", adding if problem.add else call)
    result.problem, result.threads = problem, threads
    result.backend, result.why = backend.name, why
    result.output, result.unchecked = backend.output, own
    return result


def _look_again(name: str, array: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Types that are equal may be two objects."""
    if array.shape != shape or array.dtype != dtype or not array.flags.c_contiguous:
        order = "" if array.flags.c_contiguous else ", not C-contiguous"
        raise ValueError(f"{name} must be {dtype} of {shape}, C-contiguous; got {array.dtype} of {array.shape}{order}")


def takes_arrays(backend: Backend) -> bool:
    """Whether its layer takes and returns NumPy's arrays as they are, and nothing is left to do when it returns."""
    kind = type(backend)
    return all(getattr(kind, name) is getattr(Backend, name) for name in ("to_device", "to_numpy", "sync"))


def _handing_over(backend: Backend, layer: Layer) -> Layer:
    to_device, to_numpy, sync = backend.to_device, backend.to_numpy, backend.sync

    def call(*inputs: Array) -> Array:
        result = layer(*map(to_device, inputs))
        sync()
        return to_numpy(result)

    return call


def handing_s(backend: Backend, layer: Layer, problem: Problem) -> float:
    """Seconds to make ``backend``'s own kind of array, and NumPy's of the result; 0 where they are the same.

    No run has measured it: there a backend is given arrays of its own kind.
    """
    if takes_arrays(backend):
        return 0.0
    inputs = [np.zeros(shape, problem.dtype) for shape in problem.input_shapes]
    result = layer(*map(backend.to_device, inputs))
    backend.sync()
    found = []
    for _ in range(_HANDINGS):
        began = time.perf_counter()
        for each in inputs:
            backend.to_device(each)
        backend.to_numpy(result)
        found.append(time.perf_counter() - began)
    return statistics.median(found)
