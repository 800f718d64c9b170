"""ONNX files of a few nodes, written byte by byte: the tests need no package that writes them."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

Size = int | str
Field = int | float | str | bytes


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def message(*fields: tuple[int, Field]) -> bytes:
    """A message of protobuf from the numbers and contents of its fields."""
    content = b""
    for number, value in fields:
        if isinstance(value, int):
            content += _varint(number << 3) + _varint(value)
        elif isinstance(value, float):
            content += _varint(number << 3 | 5) + struct.pack("<f", value)
        else:
            raw = value.encode() if isinstance(value, str) else value
            content += _varint(number << 3 | 2) + _varint(len(raw)) + raw
    return content


def node(kind: str, reads: Sequence[str], gives: Sequence[str], name: str = "", **attributes: object) -> bytes:
    """A node; an attribute is a number, a text, a list of whole numbers, or the bytes of a tensor."""
    names = [*((1, each) for each in reads), *((2, each) for each in gives), (3, name), (4, kind)]
    return message(*names, *((5, _attribute(key, value)) for key, value in attributes.items()))


def _attribute(name: str, value: object) -> bytes:
    if isinstance(value, list):
        return message((1, name), *((8, each) for each in value), (20, 7))
    number, kind = {int: (3, 2), float: (2, 1), str: (4, 3), bytes: (5, 4)}[type(value)]
    assert isinstance(value, int | float | str | bytes)
    return message((1, name), (number, value), (20, kind))


def weights(name: str, *shape: int, code: int = 1) -> bytes:
    """A constant without its content, as files have it whose weights lie elsewhere."""
    return message(*((1, size) for size in shape), (2, code), (8, name))


def numbers(name: str, *values: int) -> bytes:
    """A constant list of whole numbers."""
    return message((1, len(values)), (2, 7), (8, name), (9, struct.pack(f"<{len(values)}q", *values)))


def single(name: str, value: float) -> bytes:
    """A constant of single precision without dimensions."""
    return message((2, 1), (8, name), (9, struct.pack("<f", value)))


def reals(name: str, *values: float) -> bytes:
    """A constant list of single precision."""
    return message((1, len(values)), (2, 1), (8, name), (9, struct.pack(f"<{len(values)}f", *values)))


def value(name: str, sizes: Sequence[Size], code: int = 1) -> bytes:
    """What a file states of an input or a result."""
    dimensions = [(1, message((1 if isinstance(size, int) else 2, size))) for size in sizes]
    return message((1, name), (2, message((1, message((1, code), (2, message(*dimensions)))))))


def model(
    nodes: Sequence[bytes],
    constants: Sequence[bytes],
    inputs: Mapping[str, Sequence[Size]],
    outputs: Sequence[str] = ("y",),
) -> bytes:
    """A whole file."""
    graph = [*((1, each) for each in nodes), *((5, each) for each in constants)]
    graph += [(11, value(name, sizes)) for name, sizes in inputs.items()]
    graph += [(12, message((1, name))) for name in outputs]
    return message((1, 8), (2, "a test"), (7, message(*graph)))
