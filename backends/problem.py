"""The 1x1 (pointwise) convolution as data: one layer, its arithmetic and its name.

Formula (forward, no padding; ``G`` groups, ``s`` the stride)::

    y[n, o, i, j] = activation(bias[o] + sum_c weight[o, c] * x[n, g(o) * C/G + c, i * s, j * s] + residual[n, o, i, j])

with ``g(o) = o // (out_channels / G)`` and ``c`` running over the ``C/G`` input channels of that group. The residual is
there where ``add`` says so: the other input of ``layer(x, residual)``, of the output's shape. Activations::

    relu(v) = max(v, 0)                  relu6(v) = min(max(v, 0), 6)      hardswish(v) = v * relu6(v + 3) / 6
    silu(v) = v / (1 + exp(-v))          gelu(v) = v * (1 + erf(v / sqrt(2))) / 2: the exact one, not its form by tanh
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass, fields
from functools import cached_property
from math import prod
from typing import Final, Literal, get_args

Activation = Literal["none", "relu", "relu6", "silu", "hardswish", "gelu"]
Dtype = Literal["float32", "float64", "float16", "bfloat16"]
Layout = Literal["nchw", "nhwc"]
Direction = Literal["forward", "backward-input", "backward-weight"]

ITEM_BYTES: Final[dict[str, int]] = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}

ACTIVATIONS: Final = get_args(Activation)

_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "activation": ACTIVATIONS,
    "dtype": get_args(Dtype),
    "layout": get_args(Layout),
    "direction": get_args(Direction),
}

# Everything after the geometry is optional and left out at its default, so that the usual id stays short enough
# for a terminal and an id written today stays valid when a field is added. Only characters that pytest's `-k`
# accepts inside a word are used: an id can be pasted there as it is.
_GEOMETRY: Final = r"n(?P<batch>\d+)c(?P<in_channels>\d+)h(?P<height>\d+)w(?P<width>\d+)-o(?P<out_channels>\d+)"
_PARTS: Final = (
    *(r"-s(?P<stride>\d+)", r"-g(?P<groups>\d+)", "(?P<bias>-bias)", "(?P<add>-add)"),
    "-(?P<activation>relu6?|silu|hardswish|gelu)",
    "-(?P<dtype>float64|float16|bfloat16)",
    "-(?P<layout>nhwc)",
    "-(?P<direction>backward-input|backward-weight)",
)
_ID: Final = re.compile(_GEOMETRY + "".join(f"(?:{part})?" for part in _PARTS))


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One pointwise convolution: geometry, what follows the sums, element type, memory layout and direction.

    Sizes count elements; ``batch`` may be 0, every other size is at least 1. ``groups`` divides both channel
    counts. There is no padding. ``add`` is of the forward direction alone. Raises ``ValueError`` naming the field when
    a value is out of its range.
    """

    batch: int
    in_channels: int
    out_channels: int
    height: int
    width: int
    stride: int = 1
    groups: int = 1
    bias: bool = False
    add: bool = False
    activation: Activation = "none"
    dtype: Dtype = "float32"
    layout: Layout = "nchw"
    direction: Direction = "forward"

    def __post_init__(self) -> None:
        for name in ("batch", "in_channels", "out_channels", "height", "width", "stride", "groups"):
            object.__setattr__(self, name, _size(name, getattr(self, name), minimum=0 if name == "batch" else 1))
        for name in ("bias", "add"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} must be True or False, got {getattr(self, name)!r}")
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}")
        # An activation is accepted backward, and left to whoever judges, who says what it would need. Of an addition
        # nothing is needed: it hands each gradient on as it is, so that the problem would be another under two names.
        if self.add and self.direction != "forward":
            raise ValueError(f"add must be False in {self.direction}: a gradient passes an addition unchanged")
        for name in ("in_channels", "out_channels"):
            if getattr(self, name) % self.groups:
                raise ValueError(f"groups must divide {name}: {getattr(self, name)} % {self.groups} is not 0")

    # --- shapes ---------------------------------------------------------------------------------------------

    @property
    def out_height(self) -> int:
        """Rows of the output: the rows 0, stride, 2 * stride, ... that exist in the input."""
        return (self.height - 1) // self.stride + 1

    @property
    def out_width(self) -> int:
        """Columns of the output, by the same rule as :attr:`out_height`."""
        return (self.width - 1) // self.stride + 1

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """Shape of ``x`` in the problem's layout."""
        return self._in_layout(self.in_channels, self.height, self.width)

    @property
    def weight_shape(self) -> tuple[int, int]:
        """``(out_channels, in_channels // groups)`` in every layout."""
        return (self.out_channels, self.in_channels // self.groups)

    @property
    def output_shape(self) -> tuple[int, int, int, int]:
        """Shape of ``y`` in the problem's layout, and of the residual."""
        return self._in_layout(self.out_channels, self.out_height, self.out_width)

    @property
    def input_shapes(self) -> tuple[tuple[int, int, int, int], ...]:
        """Of what the layer is called with: ``(x)`` or ``(x, residual)``, ``(dy)``, ``(x, dy)``, by direction."""
        if self.direction == "backward-input":
            return (self.output_shape,)
        if self.direction == "backward-weight" or self.add:
            return (self.input_shape, self.output_shape)
        return (self.input_shape,)

    def _in_layout(self, channels: int, height: int, width: int) -> tuple[int, int, int, int]:
        if self.layout == "nchw":
            return (self.batch, channels, height, width)
        return (self.batch, height, width, channels)

    # --- arithmetic -----------------------------------------------------------------------------------------

    @property
    def pixels(self) -> int:
        """Output pixels over the whole batch: the rows of the equivalent matrix product."""
        return self.batch * self.out_height * self.out_width

    @property
    def reduction_length(self) -> int:
        """Terms summed into one element of the result, bias apart: the K of an error bound."""
        if self.direction == "forward":
            return self.in_channels // self.groups
        if self.direction == "backward-input":
            return self.out_channels // self.groups
        return self.pixels

    @property
    def macs(self) -> int:
        """Multiply-adds; the same in all three directions."""
        return self.pixels * self.out_channels * (self.in_channels // self.groups)

    @property
    def flops(self) -> int:
        """Two per multiply-add; bias, residual and activation are not counted."""
        return 2 * self.macs

    @property
    def parameters(self) -> int:
        """Weights plus bias."""
        return prod(self.weight_shape) + (self.out_channels if self.bias else 0)

    @property
    def min_bytes(self) -> int:
        """Least memory traffic in bytes: each operand touched once, and of ``x`` only the pixels the stride reads.

        The input's gradient (``backward-input``) is counted whole: its skipped pixels must be written as zeros.
        """
        x_elements = self.pixels * self.in_channels
        if self.direction == "backward-input":
            x_elements = prod(self.input_shape)
        # The bias is an operand going forward and a result of backward-weight; the input's gradient ignores it.
        parameters = prod(self.weight_shape) if self.direction == "backward-input" else self.parameters
        outputs = prod(self.output_shape) * (1 + self.add)
        return (x_elements + parameters + outputs) * ITEM_BYTES[self.dtype]

    # --- name -----------------------------------------------------------------------------------------------

    @cached_property
    def id(self) -> str:
        """Canonical name, e.g. ``n1c192h28w28-o64-bias-relu``: test id, result key and reproduction in one."""
        parts = [f"n{self.batch}c{self.in_channels}h{self.height}w{self.width}", f"o{self.out_channels}"]
        parts += [f"s{self.stride}"] * (self.stride != 1)
        parts += [f"g{self.groups}"] * (self.groups != 1)
        parts += ["bias"] * self.bias
        parts += ["add"] * self.add
        for field in fields(self):
            if field.name in _CHOICES and getattr(self, field.name) != field.default:
                parts.append(getattr(self, field.name))
        return "-".join(parts)

    @classmethod
    def parse(cls, text: str) -> Problem:
        """The problem whose :attr:`id` is ``text``; ``ValueError`` for any other string."""
        match = _ID.fullmatch(text)
        if match is None:
            remedy = _reordered(text) or "n1c192h28w28-o64-s2-g4-bias-relu-float64-nhwc"
            raise ValueError(f"id {text!r} does not read like {remedy}")
        found = {name: value for name, value in match.groupdict().items() if value is not None}
        sizes = {name: int(value) for name, value in found.items() if value.isdigit()}
        words = {name: value for name, value in found.items() if name in _CHOICES}
        problem = cls(**sizes, **words, bias="bias" in found, add="add" in found)  # type: ignore[arg-type]  # the pattern admits only choices
        if problem.id != text:
            raise ValueError(f"id {text!r} is not canonical: this problem is written {problem.id!r}")
        return problem

    def __str__(self) -> str:
        return self.id


def _reordered(text: str) -> str | None:
    """The id that consists of the parts of ``text`` in their order; None where there is none."""
    geometry = re.match(_GEOMETRY, text)
    if geometry is None:
        return None
    found = list(re.finditer("|".join(f"{part}(?=-|$)" for part in _PARTS), text[geometry.end() :]))
    names = [field.name for field in fields(Problem)]
    ordered = geometry[0] + "".join(one[0] for one in sorted(found, key=lambda one: names.index(one.lastgroup or "")))
    return ordered if len(ordered) == len(text) and _ID.fullmatch(ordered) else None


def _size(name: str, value: object, minimum: int) -> int:
    """``value`` as a plain int of at least ``minimum`` (NumPy integers pass, booleans and floats do not)."""
    try:
        size = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        size = None
    if size is None or isinstance(value, bool) or size < minimum:
        raise ValueError(f"{name} must be a whole number of at least {minimum}, got {value!r}")
    return size
