"""What a worker is given of a problem's cases: weights and inputs, and no answer; and the names of what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy.typing as npt

from pointwise_bench import Problem
from pointwise_bench.suites.harness.memory.result_memory import ResultMemory
from pointwise_bench.suites.harness.memory.shared_arrays import read_block, write_block

Array = npt.NDArray[Any]
Arrays = tuple[Array, ...]

EXACT: Final = ("integers", "probe", "poisoned", "integers again")
"""Results of the layer with integer weights, in the order in which they are computed."""
REAL: Final = ("first", "second", "first kept", "faint", "loud")
"""Results of the layer that is timed, before the timing: "first kept" is the first result, read once more."""
BEFORE: Final = (*EXACT, *REAL)
AFTER: Final = ("last", "second kept", "repeated", "second", "fresh", "oddest", "read late", "renewed")
"""The same after the timing: of the last timed call; the second result of all, which thousands of calls with another
input have followed; of the timed array, of others; the oddest of many on the timed array; one that is read when the
array has other values; and of new values in it."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """The learned part of a layer; no weights for ``backward-weight``, and no bias for either gradient."""

    weight: Array | None
    bias: Array | None


@dataclass(frozen=True, kw_only=True)
class Questions:
    """Weights of both layers, and the inputs of all cases in the problem's dtype and layout."""

    real: Weights
    first: Arrays  # the input of the timing
    second: Arrays
    faint: Arrays
    loud: Arrays
    integer: Weights
    integers: Arrays
    probe: Arrays
    poisoned: Arrays
    pools: Arrays  # of the inputs of timed calls: see `memory.input_windows`

    def to_block(self) -> int:
        """All arrays as a block of shared memory: its file descriptor, which the caller closes."""
        arrays: dict[str, Array | None] = {}
        for field in fields(self):
            part = getattr(self, field.name)
            if isinstance(part, Weights):
                arrays |= {f"{field.name}.weight": part.weight, f"{field.name}.bias": part.bias}
            else:
                arrays |= {f"{field.name}.{place}": each for place, each in enumerate(part)}
        return write_block({name: array for name, array in arrays.items() if array is not None})

    @classmethod
    def from_block(cls, descriptor: int) -> Questions:
        """The questions in such a block, as read-only views. The descriptor is closed."""
        arrays = read_block(descriptor)
        return cls(
            real=_weights(arrays, "real"),
            first=_inputs(arrays, "first"),
            second=_inputs(arrays, "second"),
            faint=_inputs(arrays, "faint"),
            loud=_inputs(arrays, "loud"),
            integer=_weights(arrays, "integer"),
            integers=_inputs(arrays, "integers"),
            probe=_inputs(arrays, "probe"),
            poisoned=_inputs(arrays, "poisoned"),
            pools=_inputs(arrays, "pools"),
        )


def _weights(arrays: Mapping[str, Array], name: str) -> Weights:
    return Weights(weight=arrays.get(f"{name}.weight"), bias=arrays.get(f"{name}.bias"))


def _inputs(arrays: Mapping[str, Array], name: str) -> Arrays:
    return tuple(arrays[f"{name}.{place}"] for place in (0, 1) if f"{name}.{place}" in arrays)


def result_shape(p: Problem) -> tuple[int, ...]:
    """Of a result as one array: with its bias' gradient, if any, as the last column."""
    if p.direction == "backward-weight":
        outs, ins = p.weight_shape
        return (outs, ins + p.bias)
    return p.output_shape if p.direction == "forward" else p.input_shape


def results_at(descriptor: int, names: tuple[str, ...], problem: Problem) -> ResultMemory:
    """The memory of the harness's at ``descriptor``, which has a place for each of ``names``."""
    return ResultMemory(descriptor, names, result_shape(problem), problem.dtype)
