"""The shape of each result of a graph, node by node: one function for each family of operators."""

from __future__ import annotations

import math
from collections.abc import Callable
from math import prod
from typing import Final

from pointwise_bench.harvest.onnx_file.known import Known, Shape, axis_of, broadcast, has
from pointwise_bench.harvest.onnx_file.records import NodeRecord
from pointwise_bench.harvest.onnx_file.windows import slid, spread, window_of

Rule = Callable[[NodeRecord, Known], Shape]


def shape_of(node: NodeRecord, known: Known) -> Shape | None:
    """Of the node's first result; None where the operator or one of its inputs is not known."""
    rule = _RULES.get(node.kind)
    try:
        return None if rule is None else rule(node, known)
    except (LookupError, ValueError, ZeroDivisionError, StopIteration, OverflowError):
        return None  # a size that is not known, or a damaged attribute: what is computed from it is listed as unknown


def shapes_of_parts(node: NodeRecord, known: Known) -> list[Shape]:
    """Of all results of a ``Split``; none where they are not known."""
    try:
        shape = known.shape(node)
        axis = axis_of(node.ints.get("axis", (0,))[0], len(shape))
        parts = known.values_or(node, 1, "split") or _even(shape[axis], len(node.gives))
    except (LookupError, ValueError):
        return []
    return [(*shape[:axis], part, *shape[axis + 1 :]) for part in parts]


def _even(size: int, parts: int) -> tuple[int, ...]:
    part = -(-size // max(parts, 1))
    return tuple(min(part, max(size - part * index, 0)) for index in range(parts))


def _same(node: NodeRecord, known: Known) -> Shape:
    return known.shape(node)


def _all(node: NodeRecord, known: Known) -> Shape:
    return broadcast(*(known.shapes[name] for name in node.reads))


def _convolution(node: NodeRecord, known: Known) -> Shape:
    image, (outputs, _, *kernel) = known.shape(node), known.shape(node, 1)
    window = window_of(node, tuple(kernel), image[2:])
    return (image[0], outputs, *slid(window, image[2:]))


def _transposed(node: NodeRecord, known: Known) -> Shape:
    image, (_, outputs, *kernel) = known.shape(node), known.shape(node, 1)
    window = window_of(node, tuple(kernel), image[2:])
    return (image[0], outputs * node.ints.get("group", (1,))[0], *spread(node, window, image[2:]))


def _pool(node: NodeRecord, known: Known) -> Shape:
    image = known.shape(node)
    window = window_of(node, node.ints["kernel_shape"], image[2:])
    return (*image[:2], *slid(window, image[2:], ceil=node.ints.get("ceil_mode", (0,))[0] == 1))


def _global_pool(node: NodeRecord, known: Known) -> Shape:
    shape = known.shape(node)
    return (*shape[:2], *(1 for _ in shape[2:]))


def _gemm(node: NodeRecord, known: Known) -> Shape:
    left, right = known.shape(node), known.shape(node, 1)
    return left[1 if node.ints.get("transA", (0,))[0] else 0], right[0 if node.ints.get("transB", (0,))[0] else 1]


def _matmul(node: NodeRecord, known: Known) -> Shape:
    left, right = known.shape(node), known.shape(node, 1)
    rows = left[-2:-1] if len(left) > 1 else ()
    columns = right[-1:] if len(right) > 1 else ()
    return (*broadcast(left[:-2], right[:-2]), *rows, *columns)


def _flatten(node: NodeRecord, known: Known) -> Shape:
    shape = known.shape(node)
    axis = node.ints.get("axis", (1,))[0]
    axis += len(shape) if axis < 0 else 0
    return prod(shape[:axis]), prod(shape[axis:])


def _reshape(node: NodeRecord, known: Known) -> Shape:
    shape, asked = known.shape(node), known.values_or(node, 1, "shape") or ()
    keeps_zero = node.ints.get("allowzero", (0,))[0] == 1
    sizes = [shape[index] if size == 0 and not keeps_zero else size for index, size in enumerate(asked)]
    if -1 in sizes:
        sizes[sizes.index(-1)] = prod(shape) // prod(size for size in sizes if size != -1)
    if prod(sizes) != prod(shape):
        raise ValueError("a view of another size")
    return tuple(sizes)


def _transpose(node: NodeRecord, known: Known) -> Shape:
    shape = known.shape(node)
    return tuple(shape[axis_of(axis, len(shape))] for axis in node.ints.get("perm", range(len(shape) - 1, -1, -1)))


def _concat(node: NodeRecord, known: Known) -> Shape:
    shapes = [known.shapes[name] for name in node.reads]
    axis = axis_of(node.ints["axis"][0], len(shapes[0]))
    return (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])


def _slice(node: NodeRecord, known: Known) -> Shape:
    sizes = list(known.shape(node))
    starts, ends = known.values_or(node, 1, "starts") or (), known.values_or(node, 2, "ends") or ()
    axes = known.values_or(node, 3, "axes") or tuple(range(len(starts)))
    steps = known.values(node, 4) if has(node, 4) else (1,) * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        place = axis_of(axis, len(sizes))
        sizes[place] = len(range(*slice(start, end, step).indices(sizes[place])))
    return tuple(sizes)


def _squeeze(node: NodeRecord, known: Known) -> Shape:
    shape, axes = known.shape(node), known.values_or(node, 1, "axes")
    gone = {axis_of(axis, len(shape)) for axis in axes} if axes else {i for i, size in enumerate(shape) if size == 1}
    return tuple(size for axis, size in enumerate(shape) if axis not in gone)


def _unsqueeze(node: NodeRecord, known: Known) -> Shape:
    shape, axes = known.shape(node), known.values_or(node, 1, "axes") or ()
    rank = len(shape) + len(axes)
    new, rest = {axis_of(axis, rank) for axis in axes}, iter(shape)
    return tuple(1 if axis in new else next(rest) for axis in range(rank))


def _gather(node: NodeRecord, known: Known) -> Shape:
    shape, places = known.shape(node), known.shape(node, 1)
    axis = axis_of(node.ints.get("axis", (0,))[0], len(shape))
    return (*shape[:axis], *places, *shape[axis + 1 :])


def _reduce(node: NodeRecord, known: Known) -> Shape:
    shape, axes = known.shape(node), known.values_or(node, 1, "axes")
    if not axes and node.ints.get("noop_with_empty_axes", (0,))[0]:
        return shape
    gone = {axis_of(axis, len(shape)) for axis in axes} if axes else {*range(len(shape))}
    if node.ints.get("keepdims", (1,))[0]:
        return tuple(1 if axis in gone else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in gone)


def _arg(node: NodeRecord, known: Known) -> Shape:
    shape = known.shape(node)
    axis = axis_of(node.ints.get("axis", (0,))[0], len(shape))
    kept = (1,) if node.ints.get("keepdims", (1,))[0] else ()
    return (*shape[:axis], *kept, *shape[axis + 1 :])


def _constant(node: NodeRecord, known: Known) -> Shape:
    if "value" in node.tensors:
        return node.tensors["value"].shape
    if "value_ints" in node.ints:
        return (len(node.ints["value_ints"]),)
    if "value_int" in node.ints or "value_float" in node.floats:
        return ()
    raise ValueError("no constant that a size depends on")


def _filled(node: NodeRecord, known: Known) -> Shape:
    return known.values(node, 0)


def _expand(node: NodeRecord, known: Known) -> Shape:
    return broadcast(known.shape(node), known.values(node, 1))


def _tile(node: NodeRecord, known: Known) -> Shape:
    return tuple(size * times for size, times in zip(known.shape(node), known.values(node, 1), strict=True))


def _pad(node: NodeRecord, known: Known) -> Shape:
    shape, pads = known.shape(node), known.values_or(node, 1, "pads") or ()
    axes = known.values(node, 3) if has(node, 3) else tuple(range(len(shape)))
    sizes = list(shape)
    for place, axis in enumerate(axes):
        sizes[axis_of(axis, len(shape))] += pads[place] + pads[place + len(axes)]
    return tuple(sizes)


def _resize(node: NodeRecord, known: Known) -> Shape:
    """To a size, or by a factor for each dimension: the last input but one in files since 2019, else the last."""
    if has(node, 3):
        return known.values(node, 3)
    shape, factors = known.shape(node), known.reals[node.reads[2 if has(node, 2) else 1]]
    return tuple(math.floor(size * factor) for size, factor in zip(shape, factors, strict=True))


def _to_space(node: NodeRecord, known: Known) -> Shape:
    (batch, channels, height, width), block = known.shape(node), node.ints["blocksize"][0]
    if node.kind == "DepthToSpace":
        return batch, channels // block**2, height * block, width * block
    return batch, channels * block**2, height // block, width // block


def _range(node: NodeRecord, known: Known) -> Shape:
    (start,), (limit,), (step,) = (known.values(node, index) for index in range(3))
    return (len(range(start, limit, step)),)


def _rank(node: NodeRecord, known: Known) -> Shape:
    return (len(known.shape(node)),)


def _scalar(node: NodeRecord, known: Known) -> Shape:
    return ()


_ELEMENT_BY_ELEMENT: Final = (
    *("Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Sum", "Mean", "Mod", "And", "Or", "Xor", "PRelu"),
    *("Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "Where"),
)
_AS_THEIR_INPUT: Final = (
    *(
        "Relu",
        "Sigmoid",
        "Tanh",
        "HardSigmoid",
        "HardSwish",
        "LeakyRelu",
        "Elu",
        "Selu",
        "Celu",
        "Gelu",
        "Mish",
        "Clip",
    ),
    *(
        "Softplus",
        "Softsign",
        "ThresholdedRelu",
        "Erf",
        "Exp",
        "Log",
        "Sqrt",
        "Reciprocal",
        "Neg",
        "Abs",
        "Floor",
        "Ceil",
    ),
    *("Round", "Sign", "Not", "Sin", "Cos", "Identity", "Cast", "CastLike", "Dropout", "BatchNormalization", "IsNaN"),
    *("LayerNormalization", "InstanceNormalization", "GroupNormalization", "LRN", "LpNormalization", "Softmax"),
    *("LogSoftmax", "Hardmax", "CumSum", "MeanVarianceNormalization", "QuantizeLinear", "DequantizeLinear", "Swish"),
    *("RMSNormalization", "Trilu", "ScatterND", "ScatterElements", "SimplifiedLayerNormalization"),
)
_REDUCTIONS: Final = ("Mean", "Sum", "Max", "Min", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare")
_POOLS: Final = ("MaxPool", "AveragePool", "LpPool")

_RULES: Final[dict[str, Rule]] = {
    **dict.fromkeys(_ELEMENT_BY_ELEMENT, _all),
    **dict.fromkeys(_AS_THEIR_INPUT, _same),
    **dict.fromkeys((f"Reduce{name}" for name in _REDUCTIONS), _reduce),
    **dict.fromkeys(_POOLS, _pool),
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"), _global_pool),
    **dict.fromkeys(("DepthToSpace", "SpaceToDepth"), _to_space),
    **dict.fromkeys(("ArgMax", "ArgMin"), _arg),
    "Conv": _convolution,
    "ConvTranspose": _transposed,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Concat": _concat,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Gather": _gather,
    "Constant": _constant,
    "ConstantOfShape": _filled,
    "Expand": _expand,
    "Tile": _tile,
    "Pad": _pad,
    "Resize": _resize,
    "Upsample": _resize,
    "Range": _range,
    "Shape": _rank,
    "Size": _scalar,
}
