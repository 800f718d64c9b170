"""Which operations of a model are layers that can be measured, and why the others are not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import prod
from typing import Final

from pointwise_bench.backends.problem import ACTIVATIONS, ITEM_BYTES, Problem
from pointwise_bench.harvest.operations import (
    NO_ACTIVATION,
    Convolution,
    HarvestedModel,
    Linear,
    Operation,
    OtherProduct,
)

_FUSED: Final[tuple[str, ...]] = ACTIVATIONS
_MOST_MACS: Final = 1 << 80
"""Of an operation. Damaged sizes give more, and numbers that no report can print."""
_PLANE: Final = 2
"""Dimensions of an image as ``Problem`` has it."""


@dataclass(frozen=True)
class Wanted:
    """What is taken beside the 1x1 convolutions of images."""

    linear: bool = False
    """Linear layers: their rows become pixels."""
    folded: bool = False
    """Pointwise convolutions over one or three dimensions."""
    residual: bool = False
    """A residual that is added right behind a convolution as part of its layer, with the activation behind the sum."""


@dataclass(frozen=True)
class PointwiseLayer:
    """One layer that can be measured."""

    name: str
    count: int
    problem: Problem
    network_activation: str | None
    """What follows in the model where ``Problem`` does not know it."""


@dataclass(frozen=True)
class LeftOut:
    """An operation that is not measured, and why."""

    name: str
    count: int
    reason: str
    macs: int | None
    """Of all occurrences; None where they are not known."""
    is_pointwise: bool
    """Whether it is a 1x1 convolution or a linear layer, which one may have wanted."""


@dataclass(frozen=True)
class Harvest:
    """What a model came to."""

    layers: tuple[PointwiseLayer, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def macs(self) -> int:
        """Multiply-adds of the layers, by occurrence."""
        return sum(layer.count * layer.problem.macs for layer in self.layers)

    @property
    def model_macs(self) -> int:
        """Multiply-adds of the whole model, as far as they are known."""
        return self.macs + sum(each.macs or 0 for each in self.left_out)

    @property
    def share(self) -> float:
        """Of the model's multiply-adds that the layers make up; 0 where there are none."""
        return self.macs / self.model_macs if self.model_macs else 0.0


class _Inexpressible(Exception):
    """The reason why an operation is no problem, as its message."""


def harvest_of(model: HarvestedModel, wanted: Wanted) -> Harvest:
    """The layers of ``model``, equal ones merged under the name of the first, and what is left out, in its order."""
    layers: dict[tuple[Problem, str | None], PointwiseLayer] = {}
    left_out: list[LeftOut] = []
    operations = map(_adding, model.operations) if wanted.residual else model.operations
    for operation in map(_possible, operations):
        try:
            problem = _problem(operation, wanted)
        except _Inexpressible as reason:
            left_out.append(_left_out(operation, str(reason)))
            continue
        activation = _not_fused(operation)
        layer = PointwiseLayer(operation.name, operation.count, problem, activation)
        twin = layers.get((problem, activation))
        layers[problem, activation] = replace(twin, count=twin.count + layer.count) if twin else layer
    return Harvest(tuple(_merged(layers.values())), tuple(left_out))


def _possible(operation: Operation) -> Operation:
    if (operation.macs or 0) * operation.count <= _MOST_MACS:
        return operation
    return OtherProduct(name=operation.name, what="layer of sizes that no machine holds", macs=None)


def _adding(operation: Operation) -> Operation:
    """As a layer that ends behind the addition, where one follows."""
    if not isinstance(operation, Convolution) or operation.after_residual is None:
        return operation
    return replace(operation, activation=operation.after_residual, adds=True)


def _left_out(operation: Operation, reason: str) -> LeftOut:
    macs = None if operation.macs is None else operation.macs * operation.count
    is_pointwise = isinstance(operation, Linear) or (isinstance(operation, Convolution) and operation.is_pointwise)
    return LeftOut(operation.name, operation.count, reason, macs, is_pointwise)


def _merged(layers: Iterable[PointwiseLayer]) -> list[PointwiseLayer]:
    """A file holds each problem once: where it occurs with several activations that cannot be fused, all are named."""
    by_problem: dict[Problem, PointwiseLayer] = {}
    for layer in layers:
        twin = by_problem.get(layer.problem)
        by_problem[layer.problem] = layer if twin is None else _together(twin, layer)
    return list(by_problem.values())


def _together(one: PointwiseLayer, other: PointwiseLayer) -> PointwiseLayer:
    words = [f"{each.network_activation or NO_ACTIVATION} ({each.count})" for each in (one, other)]
    if one.network_activation and " or " in one.network_activation:
        words[0] = one.network_activation
    return replace(one, count=one.count + other.count, network_activation=" or ".join(words))


def _not_fused(operation: Operation) -> str | None:
    activation = NO_ACTIVATION if isinstance(operation, OtherProduct) else operation.activation
    return None if activation in _FUSED else activation


def _problem(operation: Operation, wanted: Wanted) -> Problem:
    if isinstance(operation, Convolution):
        return _of_convolution(operation, wanted)
    if isinstance(operation, Linear):
        return _of_linear(operation, wanted)
    raise _Inexpressible(operation.what)


def _of_convolution(layer: Convolution, wanted: Wanted) -> Problem:
    if layer.transposed:
        raise _Inexpressible("transposed convolution")
    if not layer.is_pointwise:
        depthwise = " depthwise" if layer.groups > 1 and layer.groups == layer.in_channels else ""
        kernel = "x".join(map(str, layer.kernel)) if len(layer.kernel) > 1 else f"{layer.kernel[0]} wide"
        raise _Inexpressible(f"{kernel}{depthwise} convolution")
    if any(layer.padding):
        raise _Inexpressible("1x1 convolution with padding")
    height, width, stride = _plane(layer, wanted)
    return _checked(
        layer,
        batch=layer.batch,
        in_channels=layer.in_channels,
        out_channels=layer.out_channels,
        height=height,
        width=width,
        stride=stride,
        groups=layer.groups,
        add=layer.adds,
    )


def _plane(layer: Convolution, wanted: Wanted) -> tuple[int, int, int]:
    """Height, width and stride of a pointwise convolution over any number of dimensions."""
    if len(layer.image) != _PLANE and not wanted.folded:
        raise _Inexpressible(f"pointwise convolution over {_dimensions(layer)}, which --fold takes")
    # A side of one element has no second one to stride to.
    strides = {step for step, size in zip(layer.stride, layer.image, strict=True) if size > 1}
    stride = max(strides, default=max(layer.stride, default=1))
    if len(layer.image) == _PLANE:
        if len(strides) > 1:
            raise _Inexpressible(f"1x1 convolution with stride {'x'.join(map(str, layer.stride))}")
        return layer.image[0], layer.image[1], stride
    if len(layer.image) == 1:  # a row of pixels; its only side strides as it is
        return 1, layer.image[0], stride
    if stride != 1:
        raise _Inexpressible(f"pointwise convolution over {_dimensions(layer)} with stride")
    return prod(layer.image[:-1]), layer.image[-1] if layer.image else 1, 1


def _dimensions(layer: Convolution) -> str:
    return {0: "no dimension", 1: "one dimension", 3: "three dimensions"}.get(
        len(layer.image), f"{len(layer.image)} dimensions"
    )


def _of_linear(layer: Linear, wanted: Wanted) -> Problem:
    if not wanted.linear:
        raise _Inexpressible("linear layer, which --linear takes")
    *rows, features = layer.input_shape
    batch, image = (rows[0], rows[1:]) if rows else (1, [])
    height, width = (prod(image[:-1]), image[-1]) if image else (1, 1)
    # Its features lie side by side in memory; of a single pixel both layouts are the same.
    layout = "nchw" if height * width == 1 else "nhwc"
    return _checked(
        layer,
        batch=batch,
        in_channels=features,
        out_channels=layer.out_features,
        height=height,
        width=width,
        layout=layout,
    )


def _checked(layer: Convolution | Linear, **fields: object) -> Problem:
    if layer.dtype not in ITEM_BYTES:
        raise _Inexpressible(f"layer of {layer.dtype}")
    activation = layer.activation if layer.activation in _FUSED else NO_ACTIVATION
    try:
        return Problem(**fields, bias=layer.bias, activation=activation, dtype=layer.dtype)  # type: ignore[arg-type]
    except ValueError as error:
        raise _Inexpressible(f"layer that no problem describes ({error})") from None
