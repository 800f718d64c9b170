"""Untimed calls of a layer, and its result read as one array whose form is checked."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

# Bound before any plugin is loaded, which can replace them in their module later.
from numpy import array_equal, frombuffer, invert, ndarray, uint8

from pointwise_bench import Backend, Layer, Problem
from pointwise_bench.backends.backend import DEVICES_APART
from pointwise_bench.suites.harness.memory.guarded_arrays import Inputs, OnDevice
from pointwise_bench.suites.harness.record.ended import WrongAnswer

Array = npt.NDArray[Any]


map_: Final = map
is_a: Final = isinstance  # bound before any plugin is loaded, which can replace builtins, too


def as_it_lies(result: Any) -> Array | None:
    """A copy of an array of NumPy's, made without anything that a plugin could have replaced; None of other objects.

    A subclass can have a way of its own to be viewed or copied, and so is copied as what it is beneath.
    """
    return ndarray.copy(ndarray.view(result, ndarray), "K") if is_a(result, ndarray) else None


def copies_of(result: Any) -> Any:
    """What :func:`as_it_lies` copies of a result, or of each part of one."""
    return tuple(map_(as_it_lies, result)) if is_a(result, tuple) else as_it_lies(result)


class LayerCalls:
    """How the gate calls layers of one backend on one problem. ``WrongAnswer`` for a result of another form."""

    def __init__(self, backend: Backend, problem: Problem, device: str | None = None) -> None:
        """``device``: where the backend computes, as the harness keeps it; None for what the backend says itself."""
        self.backend = backend
        self.problem = problem
        self.apart = (backend.device if device is None else device) in DEVICES_APART
        """Whether its arrays lie in the memory of a device of its own."""

    def to_device(self, inputs: Inputs) -> OnDevice:
        """``inputs`` as the backend's own kind of array."""
        return tuple(self.backend.to_device(each) for each in inputs.arrays)

    def call(self, layer: Layer, x: OnDevice) -> Any:
        """The result in the backend's own form, waited for."""
        result = layer(*x)
        self.backend.sync()
        return result

    def compute(self, layer: Layer, x: OnDevice) -> Array:
        """The result as :meth:`read` gives it."""
        return self.read(self.call(layer, x))

    def read(self, result: Any) -> Array:
        """The result as one array of the right form: with its bias' gradient, if any, as the last column."""
        p = self.problem
        if p.direction != "backward-weight":
            return self._array(result, p.output_shape if p.direction == "forward" else p.input_shape)
        if not p.bias:
            return self._array(result, p.weight_shape)
        if not isinstance(result, tuple) or len(result) != 2:
            raise WrongAnswer(
                f"returns {type(result).__name__}: the bias' gradient is missing; backward-weight with a bias "
                f"returns the tuple (dw, db)"
            )
        dw, db = self._array(result[0], p.weight_shape), self._array(result[1], (p.out_channels,))
        return np.concatenate([dw, db[:, None]], axis=1)

    def read_copied(self, copied: Any, result: Any) -> Array:
        """A result of a timed call by what :func:`as_it_lies` has copied of it before anybody could know of the look.

        Of NumPy's arrays ``to_numpy`` may tell the form, and must neither write to them nor make others.
        """
        array, parts = self.read(result), copied if isinstance(copied, tuple) else (copied,)
        if self.apart or any(part is None for part in parts):
            return array
        # In the order of memory: to_numpy() may hand out what is transposed, or a part of a larger array.
        lay = b"".join(part.ravel("K").tobytes() for part in parts)
        now = b"".join(part.tobytes() for part in ([array[:, :-1], array[:, -1]] if len(parts) > 1 else [array]))
        if len(lay) == len(now) and lay != now:
            raise WrongAnswer(
                "works in to_numpy(), where no clock runs: what it hands out of a timed call is not what lay in the "
                "result's memory when that had returned"
            )
        return array

    def parts_of(self, result: Any) -> tuple[Any, ...]:
        """The arrays of a result: two of a gradient of weights with a bias, else one."""
        return result if is_a(result, tuple) and self.problem.direction == "backward-weight" else (result,)

    def hand_out(self, result: Any) -> list[Any]:
        """What ``to_numpy`` hands out of the result, or of each of its parts, whatever that is."""
        return [self.backend.to_numpy(part) for part in self.parts_of(result)]

    def check_is_view(self, result: Any) -> None:
        """``WrongAnswer`` where ``to_numpy`` makes an array instead of handing out the result's own memory.

        A result that is still to be computed has no memory yet. Two arrays that live at once lie at two places, while
        a view lies where it always did. From the memory of another device there are copies only.
        """
        if self.apart:
            return
        for part in self.parts_of(result):
            read = [self.backend.to_numpy(part) for _ in range(2)]
            arrays = [ndarray.view(each, ndarray) for each in read if isinstance(each, ndarray)]  # as below
            if not arrays or not arrays[0].size:
                continue
            if len({each.ctypes.data for each in arrays}) > 1:
                raise WrongAnswer(
                    "works in to_numpy(), where no clock runs: it makes an array each time, where on the CPU it must "
                    "hand out the result's own memory"
                )
            if arrays[0].flags.c_contiguous and not self._leaves_alone(part, arrays[0]):
                raise WrongAnswer(
                    "works in to_numpy(), where no clock runs: it writes the result anew each time that it is asked"
                )

    def _leaves_alone(self, part: Any, array: Array) -> bool:
        """Whether ``to_numpy`` hands out what lies in the memory of ``array``, other values included."""
        memory: Any = (ctypes.c_ubyte * array.nbytes).from_address(array.ctypes.data)
        bits = frombuffer(memory, uint8)
        before = bits.copy()
        invert(before, out=bits)  # by its address, as a library's results may be read-only
        try:
            self.backend.to_numpy(part)
            return array_equal(bits, invert(before))
        finally:
            bits[...] = before  # of a reused buffer not every call writes all

    def _array(self, result: Any, shape: tuple[int, ...]) -> Array:
        array = self.backend.to_numpy(result)
        if not isinstance(array, ndarray):
            raise WrongAnswer(f"returns {type(array).__name__} from to_numpy, not a NumPy array")
        array = ndarray.view(array, ndarray)  # a subclass can have a shape, or an equality, of its own
        if array.shape != shape:
            raise WrongAnswer(f"returns shape {array.shape}, expected {shape}{self._shape_of_what(array.shape)}")
        if array.dtype != np.dtype(self.problem.dtype):
            raise WrongAnswer(f"returns {array.dtype}, but the problem is {self.problem.dtype}")
        if not array.flags.c_contiguous:
            raise WrongAnswer(
                f"returns a view in another order of memory (strides {array.strides}): a result is C-contiguous in the "
                f"problem's layout, and what puts it there is paid for in the call"
            )
        return array

    def _shape_of_what(self, shape: tuple[int, ...]) -> str:
        """What a wrong shape is the right shape of, as the end of a sentence; empty where it is of nothing known."""
        p = self.problem
        other = replace(p, layout="nhwc" if p.layout == "nchw" else "nchw")
        if p.direction == "backward-weight":
            alternatives: dict[tuple[int, ...], str] = {p.weight_shape[::-1]: "the result is transposed"}
        elif p.direction == "backward-input":
            alternatives = {
                p.output_shape: "that is the shape of dy",
                other.input_shape: f"that is the {other.layout} layout",
                replace(p, height=p.out_height, width=p.out_width, stride=1).input_shape: "the stride is ignored",
            }
        else:
            alternatives = {
                p.input_shape: "that is the input's shape",
                other.output_shape: f"that is the {other.layout} layout",
                replace(p, stride=1).output_shape: "the stride is ignored",
            }
        return f": {alternatives[shape]}" if shape in alternatives else ""
