"""What is known of a graph's values while it is walked: shapes, types, and the numbers that sizes come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pointwise_bench.harvest.onnx_file.records import MOST_VALUES, NodeRecord

Shape = tuple[int, ...]
LARGEST: Final = 1 << 40
"""Of a size; what is computed from damaged numbers must not grow without end."""
MOST_DIMENSIONS: Final = 64


@dataclass
class Known:
    """By the names of values."""

    shapes: dict[str, Shape] = field(default_factory=dict)
    dtypes: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Of short lists of whole numbers, flat."""
    scalars: dict[str, float] = field(default_factory=dict)
    """Of constants that are a single real number."""
    reals: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """Of constants that are a few real numbers, such as the factors of a picture that is enlarged."""
    constants: set[str] = field(default_factory=set)
    """Values that no input of the model changes."""

    def shape(self, node: NodeRecord, index: int = 0) -> Shape:
        """Of one of the values that ``node`` reads; ``LookupError`` where it is not known."""
        return self.shapes[node.reads[index]]

    def values(self, node: NodeRecord, index: int) -> tuple[int, ...]:
        """The numbers of one of the values that ``node`` reads; ``LookupError`` where they are not known."""
        return self.numbers[node.reads[index]]

    def values_or(self, node: NodeRecord, index: int, attribute: str) -> tuple[int, ...] | None:
        """Numbers that older files have as an attribute and newer ones as an input; None where there are none."""
        if attribute in node.ints:
            return node.ints[attribute]
        return self.values(node, index) if has(node, index) else None

    def note(self, name: str, shape: Shape) -> None:
        """Keep the shape, if it is one."""
        if len(shape) <= MOST_DIMENSIONS and all(0 <= size <= LARGEST for size in shape):
            self.shapes[name] = shape

    def note_numbers(self, name: str, numbers: tuple[int, ...]) -> None:
        """Keep the numbers, if they are few and none is out of reach."""
        if len(numbers) <= MOST_VALUES and all(abs(each) <= 1 << 63 for each in numbers):
            self.numbers[name] = numbers


def has(node: NodeRecord, index: int) -> bool:
    """Whether the node is given this optional input."""
    return index < len(node.reads) and node.reads[index] != ""


def broadcast(*shapes: Shape) -> Shape:
    """The shape of a result of which each element is computed from one of each operand."""
    rank = max(map(len, shapes), default=0)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple(next((size for size in sizes if size != 1), 1) for sizes in zip(*padded, strict=True))


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the front; ``IndexError`` where there is none."""
    if not -rank <= axis < rank:
        raise IndexError(axis)
    return axis % rank
