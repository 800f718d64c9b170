"""What a backend is like beside right and fast: whether it repeats itself, minds a batch, or keeps memory.

None of it is a fault. Threads may add up in any order, and a library may choose another kernel for a batch, or keep
what it has compiled; but whoever chooses a backend wants to know. Looked at in its worker, once, where nothing is
timed, on a few small problems: a backend that behaves otherwise there hides nothing but this.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from typing import Any, Final

import ml_dtypes  # tells NumPy the name bfloat16
import numpy as np
import numpy.typing as npt

from pointwise_bench import Backend, Layer, Problem
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.memory.guarded_arrays import Input, Inputs, same_bits
from pointwise_bench.suites.harness.verify.layer_calls import LayerCalls
from pointwise_bench.suites.harness.verify.respondent import distance

Array = npt.NDArray[Any]

_RULE: Final = POLICY.properties

USUAL: Final = Problem(batch=4, in_channels=128, out_channels=128, height=12, width=12)
SMALL: Final = Problem(batch=3, in_channels=24, out_channels=40, height=7, width=5)
SHAPES: Final = ((12, 12), (9, 16), (16, 9), (8, 18), (6, 24))
"""Heights and widths of equal area: a layer of one takes as much memory as one of another."""
FORMS: Final = tuple(
    {"dtype": dtype, "layout": layout}
    for dtype in ("float32", "bfloat16", "float16", "float64")
    for layout in ("nchw", "nhwc")
)
"""Of which a backend is looked at in the first that it takes."""
STATUS: Final = Path("/proc/self/status")


@dataclass(frozen=True)
class Properties:
    """What was seen. The bytes are null where the system does not tell a process what memory it has."""

    repeats: bool  # one layer gives the same bits for the same input, each time
    same_in_a_batch: bool  # and the same for a picture alone as for that picture in a batch
    bytes_per_call: int | None  # that stay with every call of a layer
    bytes_per_shape: int | None  # that stay when a layer has been prepared, called once and forgotten
    strays: bool = False  # one of many results for one input is far from the others, as threads cannot explain


def examine(backend: Backend, threads: int) -> Properties | None:
    """The properties of ``backend``; None where it takes none of the problems that would show them."""
    for form in FORMS:
        usual, small = (replace(each, **form) for each in (USUAL, SMALL))  # type: ignore[arg-type]  # words, as above
        alone = replace(usual, batch=1)
        shaped = [replace(alone, height=height, width=width) for height, width in SHAPES]
        if all(backend.refuses(each) is None for each in (usual, small, replace(small, batch=1), *shaped)):
            known = [_Asked(backend, each, threads) for each in (usual, small)]
            return Properties(
                repeats=all(each.repeats() for each in known),
                same_in_a_batch=all(each.same_alone() for each in known),
                bytes_per_call=_bytes_per_call(_Asked(backend, alone, threads)),
                bytes_per_shape=_growth(_Asked(backend, each, threads).once for each in shaped),
                strays=known[1].strays(),
            )
    return None


class _Asked:
    """A problem with numbers of its own, and a backend's results for it."""

    def __init__(self, backend: Backend, problem: Problem, threads: int) -> None:
        rng = np.random.default_rng(problem.batch)
        self._numbers: Callable[..., Array] = lambda shape: np.array(rng.standard_normal(shape)).astype(problem.dtype)
        self._backend, self._problem, self._threads = backend, problem, threads
        self._calls = LayerCalls(backend, problem)
        self._weight = self._numbers(problem.weight_shape)
        self._x = self._numbers(problem.input_shape)

    def once(self) -> None:
        """Prepare a layer, call it, and forget it."""
        self._result(self._layer(self._problem), self._x)

    def calls(self) -> Callable[[], None]:
        """What calls a layer that stays prepared."""
        layer, x = self._layer(self._problem), self._calls.to_device(Inputs((self._x,)))

        def call() -> None:
            self._calls.call(layer, x)

        return call

    def repeats(self) -> bool:
        """Whether one layer gives the same bits for one input, a call with another before some of them."""
        layer, other = self._layer(self._problem), self._numbers(self._problem.input_shape)
        first = self._result(layer, self._x)
        for number in range(_RULE.repetitions):
            if number % 3 == 0:  # not each time: what changes from one call to the next may change back
                self._result(layer, other)
            if self._result(layer, self._x) != first:
                return False
        return True

    def strays(self) -> bool:
        """Whether some result for one input is far from the first, and so wrong, or the first is."""
        layer, x = self._layer(self._problem), self._calls.to_device(Inputs((self._x,)))
        usual, began = np.array(self._calls.compute(layer, x)), process_time()
        for _ in range(_RULE.searched):
            result = self._calls.compute(layer, x)
            if not same_bits(result, usual) and not distance(result, usual) <= self._far:
                return True
            if process_time() - began > _RULE.searched_s:
                break
        return False

    @property
    def _far(self) -> float:
        """By how much no two orders of summation differ: a suspicion, which the gate's bounds then judge."""
        digits = max(float(ml_dtypes.finfo(self._problem.dtype).eps), 2.0**-23)
        return 64 * digits * float(np.sqrt(self._problem.in_channels))

    def same_alone(self) -> bool:
        """Whether each picture alone has the bits that it has in the batch."""
        one = replace(self._problem, batch=1)
        together = _in_pictures(self._result(self._layer(self._problem), self._x), self._problem.batch)
        layer, calls = self._layer(one), LayerCalls(self._backend, one)
        alone = [self._result(layer, self._x[place : place + 1], calls) for place in range(self._problem.batch)]
        return together == alone

    def _layer(self, problem: Problem) -> Layer:
        return self._backend.prepare(problem, Input(self._weight).array, None, self._threads)

    def _result(self, layer: Layer, x: Array, calls: LayerCalls | None = None) -> bytes:
        calls = calls or self._calls
        return calls.compute(layer, calls.to_device(Inputs((x,)))).tobytes()


def _in_pictures(result: bytes, batch: int) -> list[bytes]:
    size = len(result) // batch
    return [result[place * size : (place + 1) * size] for place in range(batch)]


def _bytes_per_call(asked: _Asked) -> int | None:
    call = asked.calls()
    began, calls = process_time(), 0
    while calls < _RULE.calls and process_time() - began < _RULE.calls_s:
        call()
        calls += 1

    def many() -> None:
        for _ in range(calls):
            call()

    grown = _growth([many] * (1 + _RULE.steps))
    return None if grown is None else grown // calls


def _growth(steps: Iterator[Callable[[], None]] | list[Callable[[], None]]) -> int | None:
    """Bytes that the process has more after each of the last steps, the least of them; 0 where that is little.

    What grows with every step is kept; what an allocator takes in advance, or a library at first, is there once.
    """
    gc.collect()
    gc.freeze()  # what is there already is not searched again at each step, which takes longer than all the rest
    held = []
    for step in steps:
        step()
        held.append(_own_bytes())
    gc.unfreeze()
    told = [each for each in held if each is not None]
    if len(told) < len(held):
        return None
    grown = min(after - before for before, after in zip(told[-1 - _RULE.steps :], told[-_RULE.steps :], strict=False))
    return grown if grown >= _RULE.least_bytes else 0


def _own_bytes() -> int | None:
    """Memory of this process that is no file's and is in use; None where the system does not tell."""
    gc.collect()
    with suppress(AttributeError):  # glibc's: what was given back stays in the process, and hides what is kept
        ctypes.CDLL(None).malloc_trim(0)
    try:
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("RssAnon:"))
    except (OSError, StopIteration):
        return None
    return int(line.split()[1]) * 1024
