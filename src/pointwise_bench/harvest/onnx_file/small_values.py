"""The numbers that a graph computes sizes from: what ``Shape`` gives, and the little arithmetic behind it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from itertools import product
from math import prod
from typing import Final

from pointwise_bench.harvest.onnx_file.known import Known, axis_of, has
from pointwise_bench.harvest.onnx_file.records import MOST_VALUES, NodeRecord

Numbers = tuple[int, ...]

_ARITHMETIC: Final[dict[str, Callable[[int, int], int]]] = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mul": operator.mul,
    "Div": lambda one, other: abs(one) // abs(other) * (1 if (one < 0) == (other < 0) else -1),
    "Mod": operator.mod,
    "Min": min,
    "Max": max,
    "Equal": lambda one, other: int(one == other),
    "Greater": lambda one, other: int(one > other),
    "Less": lambda one, other: int(one < other),
}


def numbers_of(node: NodeRecord, known: Known) -> Numbers | None:
    """Of the node's first result, whose shape is noted already; None where they are not known."""
    try:
        return _numbers(node, known)
    except (LookupError, ValueError, ZeroDivisionError, OverflowError):
        return None


def _numbers(node: NodeRecord, known: Known) -> Numbers | None:
    if node.kind in _ARITHMETIC:
        return _combined(node, known)
    rule = _RULES.get(node.kind)
    return None if rule is None else rule(node, known)


def _as_they_are(node: NodeRecord, known: Known) -> Numbers:
    return known.values(node, 0)  # flat either way, and whole already


def _shape(node: NodeRecord, known: Known) -> Numbers:
    shape = known.shape(node)
    return shape[slice(node.ints.get("start", (0,))[0], node.ints.get("end", (len(shape),))[0])]


def _size(node: NodeRecord, known: Known) -> Numbers:
    return (prod(known.shape(node)),)


def _concatenated(node: NodeRecord, known: Known) -> Numbers:
    return tuple(number for name in node.reads for number in known.numbers[name])


def _range(node: NodeRecord, known: Known) -> Numbers:
    return tuple(range(*(known.values(node, index)[0] for index in range(3)))[:MOST_VALUES])


def _product(node: NodeRecord, known: Known) -> Numbers:
    return (prod(known.values(node, 0)),)


def _constant(node: NodeRecord, known: Known) -> Numbers | None:
    if "value" in node.tensors:
        return node.tensors["value"].values
    return node.ints.get("value_ints") or node.ints.get("value_int")


def _gathered(node: NodeRecord, known: Known) -> Numbers:
    if len(known.shape(node)) != 1:
        raise ValueError("not a list")
    numbers = known.values(node, 0)
    return tuple(numbers[place] for place in known.values(node, 1))


def _sliced(node: NodeRecord, known: Known) -> Numbers:
    """Of a list, or of a small table: exporters turn the order of paddings around in one."""
    shape = known.shape(node)
    starts, ends = (known.values_or(node, index, name) or () for index, name in ((1, "starts"), (2, "ends")))
    axes = known.values_or(node, 3, "axes") or tuple(range(len(starts)))
    steps = known.values(node, 4) if has(node, 4) else (1,) * len(starts)
    cuts = [slice(None)] * len(shape)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        cuts[axis_of(axis, len(shape))] = slice(start, end, step)
    kept = [range(size)[cut] for size, cut in zip(shape, cuts, strict=True)]
    return _at(known.values(node, 0), shape, kept, range(len(shape)))


def _transposed(node: NodeRecord, known: Known) -> Numbers:
    shape = known.shape(node)
    order = node.ints.get("perm", tuple(range(len(shape) - 1, -1, -1)))
    return _at(known.values(node, 0), shape, [range(shape[axis]) for axis in order], order)


def _at(numbers: Numbers, shape: Numbers, places: Sequence[Sequence[int]], axes: Sequence[int]) -> Numbers:
    """The numbers of a table at the product of ``places``, each of which counts along one of ``axes``."""
    strides = [prod(shape[axis + 1 :]) for axis in axes]
    if prod(map(len, places)) > MOST_VALUES:
        raise ValueError("no table of sizes")
    return tuple(
        numbers[sum(place * stride for place, stride in zip(each, strides, strict=True))] for each in product(*places)
    )


def _chosen(node: NodeRecord, known: Known) -> Numbers:
    conditions, one, other = (known.values(node, index) for index in range(3))
    size = max(len(conditions), len(one), len(other))
    rows = zip(*(_stretched(each, size) for each in (conditions, one, other)), strict=True)
    return tuple(yes if condition else no for condition, yes, no in rows)


def _repeated(node: NodeRecord, known: Known) -> Numbers | None:
    size = prod(known.shapes[node.gives[0]])
    if size > MOST_VALUES:
        return None
    if node.kind == "Expand":
        return _stretched(known.values(node, 0), size)
    tensor = node.tensors.get("value")
    if tensor is not None and tensor.values is None:
        return None
    return (tensor.values[0] if tensor is not None and tensor.values else 0,) * size


def _combined(node: NodeRecord, known: Known) -> Numbers:
    one, other = known.values(node, 0), known.values(node, 1)
    size = max(len(one), len(other))
    combine = _ARITHMETIC[node.kind]
    return tuple(combine(*pair) for pair in zip(_stretched(one, size), _stretched(other, size), strict=True))


def _stretched(numbers: Numbers, size: int) -> Numbers:
    return numbers * size if len(numbers) == 1 else numbers


_RULES: Final[dict[str, Callable[[NodeRecord, Known], Numbers | None]]] = {
    **dict.fromkeys(("Cast", "Identity", "Squeeze", "Unsqueeze", "Reshape", "Floor", "Ceil", "Flatten"), _as_they_are),
    "Shape": _shape,
    "Size": _size,
    "Constant": _constant,
    "Concat": _concatenated,
    "Gather": _gathered,
    "Slice": _sliced,
    "Transpose": _transposed,
    "Where": _chosen,
    "ConstantOfShape": _repeated,
    "Expand": _repeated,
    "Range": _range,
    "ReduceProd": _product,
}
