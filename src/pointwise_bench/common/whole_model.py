"""What a file of layers says of the model that they were taken from: how large all of it is, and what was left out.

``harvest`` writes it, a run keeps it under ``models``, and the report shows it, so that nobody takes the time of some
layers for the time of a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class LeftOutPart:
    """Operations that are not measured for one reason.

    ``multiply_adds`` are of all of them but for ``unknown``, whose sizes the model does not tell. ``names`` are the
    first of them.
    """

    what: str
    count: int
    multiply_adds: int
    unknown: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class WholeModel:
    """``multiply_adds`` of the whole model, as far as they are known, and the parts of it that were left out."""

    title: str
    multiply_adds: int
    left_out: tuple[LeftOutPart, ...] = ()

    @property
    def measured(self) -> int:
        """Multiply-adds of the layers that the file holds, by occurrence."""
        return self.multiply_adds - sum(part.multiply_adds for part in self.left_out)

    def share(self, multiply_adds: int) -> float:
        """Of the whole, from 0 to 1."""
        return multiply_adds / self.multiply_adds if self.multiply_adds else 0.0

    def table(self) -> dict[str, Any]:
        """As JSON and TOML hold it."""
        return asdict(self)


def whole_model(table: object) -> WholeModel:
    """The model that a file tells of. ``ValueError`` with what is wrong, as the end of a sentence."""
    keys = {"title": str, "multiply_adds": int}
    values = _values(table, "model", keys, {"left_out": list})
    parts = tuple(map(_part, values.pop("left_out", [])))
    found = WholeModel(**values, left_out=parts)
    if found.measured < 0:
        raise ValueError("model: what is left out has more multiply-adds than the whole")
    return found


def _part(table: object) -> LeftOutPart:
    where = "model.left_out"
    keys = {"what": str, "count": int, "multiply_adds": int}
    values = _values(table, where, keys, {"unknown": int, "names": list})
    names = values.pop("names", [])
    if not all(isinstance(name, str) for name in names):
        raise ValueError(f"{where}: names must be a list of texts")
    return LeftOutPart(**values, names=tuple(names))


def _values(table: object, where: str, needed: Mapping[str, type], further: Mapping[str, type]) -> dict[str, Any]:
    """The keys of a table, each of its type, numbers of at least 0."""
    if not isinstance(table, dict):
        raise ValueError(f"{where} must be a table with {', '.join(needed)}")
    kinds = {**needed, **further}
    for key in (*(key for key in needed if key not in table), *(key for key in table if key not in kinds)):
        raise ValueError(f"{where}: {key} is {'missing' if key in kinds else 'no key of it'}")
    for key, value in table.items():
        kind = kinds[key]
        if not isinstance(value, kind) or isinstance(value, bool) or (isinstance(value, int) and value < 0):
            wanted = {str: "a text", int: "a whole number of at least 0", list: "a list"}[kind]
            raise ValueError(f"{where}: {key} must be {wanted}, got {value!r}")
    return dict(table)
