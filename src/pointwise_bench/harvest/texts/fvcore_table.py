"""Tables of fvcore (``flop_count_table``): shapes of weights and rounded multiply-adds; images follow from the two.

Strides are not told. A strided layer is taken with the image that it gives, whose multiply-adds are the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from math import isqrt, prod
from typing import Final

from pointwise_bench.harvest.operations import Convolution, Linear, Operation, OtherProduct

_NAME: Final = re.compile(r"[\w.]+")
_CELLS: Final = 5
"""Of a row: before the first bar, three columns or more, and behind the last bar."""
_UNITS: Final = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_ROUNDED_BY: Final = 0.00051
"""Of the unit: numbers have three digits behind the point."""
_NUMBER: Final = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)([KMGT]?)")


def is_line(line: str) -> bool:
    """Whether the line is the table's header."""
    return re.match(r"\|\s*module\s*\|\s*#parameters or shape\s*\|\s*#flops", line) is not None


def operations(lines: Iterable[str]) -> Iterator[Operation]:
    """The modules with a weight of two dimensions or more, in their order."""
    flops: dict[str, str] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    for line in lines:
        # Split, not matched by one pattern, which tries every division of a long run of blanks.
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < _CELLS or cells[0] or not _NAME.fullmatch(cells[1]):
            continue
        name, second, third = cells[1:4]
        if second.startswith("("):
            shapes[name] = tuple(int(each) for each in re.findall(r"\d{1,9}", second))
        else:
            flops[name] = third
    for name, shape in shapes.items():
        module, _, parameter = name.rpartition(".")
        if parameter == "weight" and len(shape) > 1 and 0 not in shape and module in flops:
            yield _operation(module, shape, flops[module], f"{module}.bias" in shapes)


def _operation(name: str, weight: tuple[int, ...], flops: str, bias: bool) -> Operation:
    match = _NUMBER.fullmatch(flops)
    if match is None:
        return OtherProduct(name=name, what="layer whose multiply-adds the table does not tell", macs=None)
    unit = _UNITS[match[2]]
    macs, rounding = float(match[1]) * unit, _ROUNDED_BY * unit
    pixels = round(macs / prod(weight))
    if len(weight) == 2:  # a matrix
        return Linear(name=name, input_shape=(max(pixels, 1), weight[1]), out_features=weight[0], bias=bias)
    side = _side(macs / prod(weight), rounding / prod(weight))
    if len(weight) != 4 or side is None:  # two dimensions of channels, two of the kernel
        return OtherProduct(name=name, what="layer whose image the table does not tell", macs=round(macs))
    return Convolution(
        name=name,
        batch=1,
        in_channels=weight[1],
        image=(side, side),
        out_channels=weight[0],
        kernel=weight[2:],
        stride=(1, 1),
        out_image=(side, side),
        bias=bias,
    )


def _side(pixels: float, rounding: float) -> int | None:
    """Of the square image, where there is one within the rounding, and no other."""
    least, most = isqrt(max(int(pixels - rounding), 0)), isqrt(int(pixels + rounding) + 1) + 1
    sides = [side for side in range(max(least, 1), min(most, least + 4) + 1) if abs(side * side - pixels) <= rounding]
    return sides[0] if len(sides) == 1 else None
