"""What a layer returns, read as one array: of the right kind, shape and dtype, or refused with what it looks like."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scripted_backend import PROBLEM, Scripted

from pointwise_bench import Problem
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.verify.layer_calls import LayerCalls, as_it_lies, copies_of

WIDE = replace(PROBLEM, out_channels=4, height=6, stride=2)
GRADIENT = replace(WIDE, direction="backward-weight")


def read(problem: Problem, result: Any) -> Any:
    return LayerCalls(Scripted(lambda call: None), problem).read(result)


def zeros(shape: tuple[int, ...], dtype: str = "float32") -> Any:
    return np.zeros(shape, dtype)


@pytest.mark.parametrize(
    ("problem", "shape"),
    [
        (WIDE, (1, 4, 3, 2)),
        (replace(WIDE, layout="nhwc"), (1, 3, 2, 4)),
        (replace(WIDE, bias=True), (1, 4, 3, 2)),
        (replace(WIDE, direction="backward-input"), (1, 8, 6, 4)),
        (replace(WIDE, direction="backward-input", bias=True), (1, 8, 6, 4)),
        (GRADIENT, (4, 8)),
    ],
)
def test_a_result_of_the_right_form_is_read_as_it_is(problem: Problem, shape: tuple[int, ...]) -> None:
    result = zeros(shape)
    assert np.shares_memory(read(problem, result), result)


def test_a_dtype_is_judged_by_what_it_is_and_not_by_whose_object_it_is() -> None:
    marked = np.dtype(np.float32, metadata={"from": "a library"})  # equal to float32, and another object
    result = np.zeros(WIDE.output_shape, marked)
    assert read(WIDE, result) is not None


@pytest.mark.parametrize(
    ("problem", "result", "words"),
    [
        (WIDE, zeros(WIDE.input_shape), "that is the input's shape"),
        (WIDE, zeros(replace(WIDE, stride=1).output_shape), "the stride is ignored"),
        (WIDE, zeros(replace(WIDE, layout="nhwc").output_shape), "that is the nhwc layout"),
        (WIDE, zeros((1, 2, 3)), r"returns shape \(1, 2, 3\), expected \(1, 4, 3, 2\)$"),
        (WIDE, zeros(WIDE.output_shape, "float64"), "returns float64, but the problem is float32"),
        (WIDE, zeros(WIDE.output_shape, "float16"), "returns float16, but the problem is float32"),
        (replace(WIDE, direction="backward-input"), zeros(WIDE.output_shape), "that is the shape of dy"),
        (replace(WIDE, layout="nhwc"), zeros((1, 4, 3, 2)), "that is the nchw layout"),
        (replace(WIDE, direction="backward-input"), zeros((1, 6, 4, 8)), "that is the nhwc layout"),
        (replace(WIDE, direction="backward-input", layout="nhwc"), zeros((1, 8, 6, 4)), "that is the nchw layout"),
        (replace(WIDE, direction="backward-input"), zeros((1, 8, 3, 2)), "the stride is ignored"),
        (WIDE, zeros((1, 3, 2, 4)).transpose(0, 3, 1, 2), "a view in another order of memory"),
        (replace(WIDE, layout="nhwc"), zeros((1, 4, 3, 2)).transpose(0, 2, 3, 1), "a view in another order of memory"),
        (GRADIENT, zeros((8, 4)).T, "a view in another order of memory"),
        (GRADIENT, zeros(GRADIENT.weight_shape[::-1]), "the result is transposed"),
        (GRADIENT, zeros((1, 8, 6, 4)), r"expected \(4, 8\)$"),
        (replace(GRADIENT, bias=True), (), "returns tuple: the bias' gradient is missing"),
        (replace(GRADIENT, bias=True), (zeros((4, 8)),), "returns tuple: the bias' gradient is missing"),
        (replace(GRADIENT, bias=True), (zeros((4, 8)), zeros((4,)), 0), "returns tuple: the bias' gradient is missing"),
        (replace(GRADIENT, bias=True), [zeros((4, 8)), zeros((4,))], "returns list: the bias' gradient is missing"),
        (replace(GRADIENT, bias=True), (zeros((4, 8)), zeros((8,))), r"returns shape \(8,\), expected \(4,\)$"),
        (replace(GRADIENT, bias=True), zeros(GRADIENT.weight_shape), r"returns the tuple \(dw, db\)"),
    ],
)
def test_another_form_is_refused_with_what_it_looks_like(problem: Problem, result: Any, words: str) -> None:
    with pytest.raises(WrongAnswer, match=words):
        read(problem, result)


def test_words_of_a_problem_are_compared_by_value() -> None:
    """As those of a problem that is read from a file: equal, but not the same objects."""
    direction: Any = "".join(("for", "ward"))
    layout: Any = "".join(("nc", "hw"))
    problem = replace(WIDE, direction=direction, layout=layout)
    assert read(problem, zeros((1, 4, 3, 2))) is not None
    with pytest.raises(WrongAnswer, match="that is the nhwc layout"):
        read(problem, zeros((1, 3, 2, 4)))


def test_what_is_no_array_is_refused() -> None:
    class Handing(Scripted):
        """Forgets to make an array."""

        def to_numpy(self, result: Any) -> Any:
            """A list."""
            return [0.0]

    with pytest.raises(WrongAnswer, match="returns list from to_numpy, not a NumPy array"):
        LayerCalls(Handing(lambda call: None), WIDE).read(None)


def test_the_gradient_of_the_bias_is_the_last_column() -> None:
    problem = replace(GRADIENT, bias=True)
    dw, db = np.ones(problem.weight_shape, "float32"), np.full(problem.out_channels, 2.0, "float32")
    together = read(problem, (dw, db))
    assert together.shape == (4, 9)
    assert (together[:, :-1] == 1).all()
    assert (together[:, -1] == 2).all()


def test_an_array_of_a_class_of_its_own_is_read_by_its_memory() -> None:
    class Agreeing(np.ndarray):
        """Says that it is equal to everything."""

        def __eq__(self, other: object) -> Any:
            return True

        __hash__ = None

    class Handing(Scripted):
        """Hands on what it gets, where the default would make a plain array of it."""

        def to_numpy(self, result: Any) -> Any:
            """The same."""
            return result

    calls = LayerCalls(Handing(lambda call: None), WIDE)
    assert type(calls.read(zeros(WIDE.output_shape).view(Agreeing))) is np.ndarray


class Made(Scripted):
    """Makes an array of every result, each time that it is asked."""

    def to_numpy(self, result: Any) -> Any:
        """As a lazy library does, and one that copies."""
        return result + 0


def with_device(backend: Scripted, device: str) -> Scripted:
    backend.device = device  # type: ignore[misc]  # a ClassVar everywhere else
    return backend


@pytest.mark.parametrize("device", ["cpu", "npu", "fake"])
def test_on_the_cpu_and_on_what_nobody_knows_a_result_is_handed_out_and_not_made(device: str) -> None:
    result = zeros(WIDE.output_shape)
    LayerCalls(with_device(Scripted(lambda call: None), device), WIDE).check_is_view(result)
    made = LayerCalls(with_device(Made(lambda call: None), device), WIDE)
    with pytest.raises(WrongAnswer, match=r"works in to_numpy\(\), where no clock runs: it makes an array each time"):
        made.check_is_view(result)
    made.check_is_view(zeros((0, 3)))  # of which there is no memory


def test_a_result_that_is_written_when_it_is_read_is_refused() -> None:
    """In memory of its own, which is the same each time: what lies there is not what was computed in the call."""

    class Fills(Scripted):
        """Computes where it is asked."""

        def to_numpy(self, result: Any) -> Any:
            """In place."""
            result[..., -1] = 7
            return result

    with pytest.raises(WrongAnswer, match="it writes the result anew each time"):
        LayerCalls(Fills(lambda call: None), WIDE).check_is_view(zeros(WIDE.output_shape))


def test_a_result_is_afterwards_as_it_was_and_may_be_read_only() -> None:
    result = np.arange(24, dtype="float32").reshape(WIDE.output_shape)
    result.flags.writeable = False
    LayerCalls(Scripted(lambda call: None), WIDE).check_is_view(result)
    assert np.array_equal(result.ravel(), np.arange(24))


@pytest.mark.parametrize("device", ["cuda", "opencl"])
def test_from_a_device_there_are_copies_only(device: str) -> None:
    LayerCalls(with_device(Made(lambda call: None), device), WIDE).check_is_view(zeros(WIDE.output_shape))


def test_each_part_of_a_gradient_is_handed_out() -> None:
    problem, parts = replace(GRADIENT, bias=True), (zeros((4, 8)), zeros((4,)))
    LayerCalls(Scripted(lambda call: None), problem).check_is_view(parts)

    class MakesTheBias(Scripted):
        """Hands out the weights' gradient and makes that of the bias."""

        def to_numpy(self, result: Any) -> Any:
            """By its shape."""
            return result + 0 if result.ndim == 1 else result

    with pytest.raises(WrongAnswer, match="it makes an array each time"):
        LayerCalls(MakesTheBias(lambda call: None), problem).check_is_view(parts)


class Writes(Scripted):
    """Writes its result when it is read."""

    def to_numpy(self, result: Any) -> Any:
        """Ones, in the result's own memory."""
        result[...] = 1
        return result


@pytest.mark.parametrize(
    ("problem", "shapes"), [(WIDE, [(1, 4, 3, 2)]), (replace(GRADIENT, bias=True), [(4, 8), (4,)])]
)
def test_what_is_read_of_a_timed_call_is_what_lay_there(problem: Problem, shapes: list[tuple[int, ...]]) -> None:
    parts = tuple(np.arange(float(np.prod(shape)), dtype=np.float32).reshape(shape) for shape in shapes)
    copied, result = tuple(map(as_it_lies, parts)), parts if len(parts) > 1 else parts[0]
    read = LayerCalls(Scripted(lambda call: None), problem).read_copied(copied, result)
    assert sorted(read.ravel()) == sorted(np.concatenate([part.ravel() for part in parts]))
    lazy = LayerCalls(Writes(lambda call: None), problem)
    with pytest.raises(WrongAnswer, match="not what lay in the result's memory"):
        lazy.read_copied(copied, result)
    lazy.read_copied(tuple(None for _ in parts), result)  # no arrays of NumPy's


def test_of_a_result_in_parts_each_is_copied_and_of_what_is_no_array_nothing() -> None:
    array = np.arange(3.0)
    assert copies_of(array).tolist() == [0, 1, 2]
    assert copies_of(array) is not array
    one, none = copies_of((array, "text"))
    assert (one.tolist(), none) == ([0, 1, 2], None)
    assert copies_of("text") is None


def test_a_subclass_is_copied_as_what_it_is_beneath() -> None:
    asked: list[Any] = []

    class Lazy(np.ndarray):
        def __array_finalize__(self, other: Any) -> None:
            asked.append(other)

    lazy = zeros((2,)).view(Lazy)
    asked.clear()
    assert type(as_it_lies(lazy)) is np.ndarray
    assert not asked
    assert as_it_lies([1.0]) is None


class Turned(Scripted):
    """Hands out its result with its axes in the other order, which is a view."""

    def to_numpy(self, result: Any) -> Any:
        """The same memory."""
        return result.T


def test_an_honest_view_in_another_order_is_right() -> None:
    result = np.arange(24, dtype=np.float32).reshape(1, 4, 3, 2).T
    array = LayerCalls(Turned(lambda call: None), WIDE).read_copied(as_it_lies(result), result)
    assert array.ravel().tolist() == list(range(24))
