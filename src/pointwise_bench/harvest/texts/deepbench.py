"""DeepBench's convolutions: eleven numbers a line, as its source and its tables of results have them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from pointwise_bench.harvest.operations import Convolution, Operation

_TUPLE: Final = re.compile(r"make_tuple\s*\(([\d,\s]+)\)")
_COLUMNS: Final = 11
"""w, h, c, n, k, filter_w, filter_h, pad_w, pad_h, wstride, hstride."""
_PLAIN: Final = re.compile(r"\s*\d{1,9}(?:[\s,;]+\d{1,9}){10}(?:[\s,;]+[\w.]+)*\s*")


def is_line(line: str) -> bool:
    """Whether the line holds a convolution."""
    return _numbers(line) is not None


def operations(lines: Iterable[str]) -> Iterator[Operation]:
    """The convolutions in their order."""
    for number, line in enumerate(lines, start=1):
        found = _numbers(line)
        if found is not None:
            yield _operation(found, f"line {number}")


def _numbers(line: str) -> list[int] | None:
    match = _TUPLE.search(line)
    if match is None and not _PLAIN.fullmatch(line):
        return None
    numbers = [int(each) for each in re.findall(r"\d{1,9}", match[1] if match else line)][:_COLUMNS]
    is_possible = len(numbers) == _COLUMNS and min((*numbers[:7], *numbers[9:])) > 0
    return numbers if is_possible else None


def _operation(numbers: list[int], name: str) -> Operation:
    width, height, channels, batch, outputs, filter_w, filter_h, pad_w, pad_h, step_w, step_h = numbers
    return Convolution(
        name=name,
        batch=batch,
        in_channels=channels,
        image=(height, width),
        out_channels=outputs,
        kernel=(filter_h, filter_w),
        stride=(step_h, step_w),
        padding=(pad_h, pad_w),
        out_image=(
            max((height + 2 * pad_h - filter_h) // step_h + 1, 0),
            max((width + 2 * pad_w - filter_w) // step_w + 1, 0),
        ),
    )
