"""What an operator of PyTorch is, told from its name and the shapes and numbers that it is given. Needs no PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Final

from pointwise_bench.harvest.dataflow import ADD, BATCH_NORM, MULTIPLY, NO_CHANGE
from pointwise_bench.harvest.operations import Convolution, Linear, Operation, OtherProduct

Shape = tuple[int, ...]

_ACTIVATIONS: Final = {
    **{name: name for name in ("relu", "relu6", "silu", "hardswish", "gelu", "sigmoid", "hardsigmoid", "leaky_relu")},
    **{name: name for name in ("prelu", "elu", "celu", "selu", "tanh", "mish", "softplus", "clamp", "log_sigmoid")},
    "_prelu_kernel": "prelu",
    "rrelu": "leaky_relu",
    "log_sigmoid_forward": "log_sigmoid",
    "clamp_min": "clamp",
}
_PASSES: Final = (
    *(
        "view",
        "_unsafe_view",
        "reshape",
        "flatten",
        "squeeze",
        "unsqueeze",
        "permute",
        "transpose",
        "contiguous",
        "clone",
    ),
    *(
        "alias",
        "detach",
        "dropout",
        "feature_dropout",
        "alpha_dropout",
        "native_dropout",
        "identity",
        "t",
        "to",
        "_to_copy",
    ),
)
_CONVOLUTIONS: Final = ("convolution", "_convolution", "conv1d", "conv2d", "conv3d", "conv_transpose1d")
_TRANSPOSED: Final = ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
_ATTENTION: Final = "scaled_dot_product"


@dataclass(frozen=True)
class Given:
    """What an operator is called with: plain values, and the shapes of its tensors, by the names of its schema."""

    shapes: Mapping[str, Shape]
    values: Mapping[str, object]
    results: Sequence[Shape]
    dtype: str
    name: str
    """Of the layer."""

    def sizes(self, name: str, rank: int, default: int) -> tuple[int, ...]:
        """A list of numbers, of which one may stand for all dimensions."""
        found = self.values.get(name)
        numbers = tuple(found) if isinstance(found, Sequence) and not isinstance(found, str) else ()
        if not numbers:
            numbers = (found,) if isinstance(found, int) else (default,)
        return numbers * rank if len(numbers) == 1 else numbers

    def number(self, name: str, default: int) -> int:
        """A whole number."""
        found = self.values.get(name)
        return found if isinstance(found, int) else default


def word_of(operator: str, given: Given) -> str:
    """What the operator does, in a word of ``dataflow``; its own name otherwise."""
    plain = operator.removesuffix("_") if not operator.startswith("__") else operator
    if plain == "hardtanh":
        bounds = (given.values.get("min_val", -1.0), given.values.get("max_val", 1.0))
        return "relu6" if bounds == (0.0, 6.0) else "hardtanh"
    if plain == "clamp":
        limits = (given.values.get("min"), given.values.get("max"))
        return "relu6" if limits == (0.0, 6.0) else "relu" if limits == (0.0, None) else "clamp"
    if "batch_norm" in plain:
        return BATCH_NORM
    if plain == "mul":
        return MULTIPLY
    if plain in _PASSES:
        return NO_CHANGE
    if plain == "gelu" and given.values.get("approximate", "none") != "none":
        plain = "gelu_tanh"
    if plain == "add" and _adds_alike(given):
        plain = ADD
    return _ACTIVATIONS.get(plain, plain)


def _adds_alike(given: Given) -> bool:
    """Whether two tensors of one shape are added, neither of them multiplied."""
    return given.values.get("alpha", 1) in (1, None) and [*given.shapes.values()] == [*given.results] * 2


def operation_of(operator: str, given: Given) -> Operation | None:
    """The multiply-adds of the operator; None where it has none that count. ``LookupError`` for arguments that lack."""
    if operator in _CONVOLUTIONS or operator in _TRANSPOSED:
        return _convolution(operator, given)
    maker = _PRODUCTS.get(operator)
    if maker is not None:
        return maker(given)
    if _ATTENTION in operator:
        return _attention(given)
    return None


def _convolution(operator: str, given: Given) -> Convolution:
    image, weight = given.shapes["input"], given.shapes["weight"]
    rank = len(weight) - 2
    if len(image) == rank + 1:  # one example without a batch
        image = (1, *image)
    transposed = operator in _TRANSPOSED or given.values.get("transposed") is True
    groups = given.number("groups", 1)
    kernel, stride = weight[2:], given.sizes("stride", rank, 1)
    dilation = given.sizes("dilation", rank, 1)
    if given.values.get("padding") == "same":
        padding = tuple((size - 1) * step for size, step in zip(kernel, dilation, strict=True))
    else:
        padding = given.sizes("padding", rank, 0)
    return Convolution(
        name=given.name,
        batch=image[0],
        in_channels=image[1],
        image=image[2:],
        out_channels=weight[1] * groups if transposed else weight[0],
        kernel=kernel,
        stride=stride,
        padding=padding,
        out_image=given.results[0][-rank:],
        groups=groups,
        bias="bias" in given.shapes,
        dtype=given.dtype,
        transposed=transposed,
    )


def _linear(given: Given) -> Linear:
    return Linear(
        name=given.name,
        input_shape=given.shapes["input"],
        out_features=given.shapes["weight"][0],
        bias="bias" in given.shapes,
        dtype=given.dtype,
    )


def _product_of(left: str, right: str) -> Callable[[Given], OtherProduct]:
    def product(given: Given) -> OtherProduct:
        rows, columns = given.shapes[left], given.shapes[right]
        outputs = prod(given.results[0]) if given.results else prod(rows[:-1]) * columns[-1]
        return OtherProduct(name=given.name, what="product of two activations", macs=outputs * rows[-1])

    return product


def _attention(given: Given) -> OtherProduct | None:
    try:
        (*outer, queries, width), (*_, keys, _), (*_, values) = (
            given.shapes[name] for name in ("query", "key", "value")
        )
    except LookupError:
        return None
    macs = prod(outer) * queries * keys * (width + values)
    return OtherProduct(name=given.name, what="attention", macs=macs)


_PRODUCTS: Final[dict[str, Callable[[Given], Operation]]] = {
    "linear": _linear,
    "mm": _product_of("self", "mat2"),
    "addmm": _product_of("mat1", "mat2"),
    "bmm": _product_of("self", "mat2"),
    "baddbmm": _product_of("batch1", "batch2"),
    "matmul": _product_of("self", "other"),
}
