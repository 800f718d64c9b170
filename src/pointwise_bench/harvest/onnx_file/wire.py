"""Protobuf as it lies in a file: fields by number, nothing decoded before somebody asks, nothing copied."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from pointwise_bench.harvest.operations import HarvestError

Field = int | memoryview

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT: Final = 10
_LONGEST_NAME: Final = 1 << 16
_MOST_NUMBERS: Final = 1 << 16
"""Of one field: shapes and attributes have a few. Weights that a damaged length makes of them would fill the memory."""
_SIGN: Final = 1 << 63


class Damaged(HarvestError):
    """Bytes that are no protobuf, or not the message that was expected."""


def fields_of(message: memoryview) -> Iterator[tuple[int, Field]]:
    """Number and content of each field, in their order."""
    position, end = 0, len(message)
    while position < end:
        key, position = _varint(message, position)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise Damaged("a field without a number")
        if kind == _VARINT:
            value, position = _varint(message, position)
            yield number, value
            continue
        if kind == _BYTES:
            size, position = _varint(message, position)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise Damaged(f"a field of kind {kind}, which no such file has")
        if size > end - position:
            raise Damaged("it ends within a field")
        yield number, message[position : position + size]
        position += size


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(_LONGEST_VARINT):
        if position >= len(message):
            raise Damaged("it ends within a number")
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, position
    raise Damaged("a number of more than ten bytes")


def whole(field: Field) -> int:
    """A signed number of 64 bits."""
    if not isinstance(field, int):
        raise Damaged("bytes where a number was expected")
    field &= (_SIGN << 1) - 1
    return field - (_SIGN << 1) if field & _SIGN else field


def bytes_of(field: Field) -> memoryview:
    """A nested message, or any other bytes."""
    if isinstance(field, int):
        raise Damaged("a number where bytes were expected")
    return field


def text(field: Field) -> str:
    """A name; what is no UTF-8 is replaced."""
    content = bytes_of(field)
    if len(content) > _LONGEST_NAME:
        raise Damaged("a name that is longer than any")
    return bytes(content).decode("utf-8", "replace")


def numbers(field: Field) -> list[int]:
    """One number, or several that are packed into one field."""
    if isinstance(field, int):
        return [whole(field)]
    if len(field) > _MOST_NUMBERS:
        raise Damaged("more numbers than any shape or attribute has")
    found: list[int] = []
    position = 0
    while position < len(field):
        value, position = _varint(field, position)
        found.append(whole(value))
    return found


def real(field: Field) -> float:
    """A number of single precision."""
    content = bytes_of(field)
    if len(content) != 4:  # bytes of a single
        raise Damaged("a number of single precision that has not four bytes")
    (value,) = struct.unpack("<f", content)
    return float(value)
