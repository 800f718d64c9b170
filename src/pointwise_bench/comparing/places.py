"""Where the code of a backend stands: the file, the repository around it, and the folder that it is imported from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.machinery import PathFinder
from importlib.metadata import entry_points
from pathlib import Path

import pointwise_bench.backends
from pointwise_bench.backends.registry import ENTRY_POINT_GROUP, Source
from pointwise_bench.comparing.refusal import NoOtherVersion

BEFORE = "-before"
"""Ends the names of the other version's backends."""


@dataclass(frozen=True)
class PlaceOfCode:
    """The ``file`` of a backend's source, and the folder ``imported_from`` that holds it by the name of its module.

    Without one it is a file that is imported by itself.
    """

    source: Source
    file: Path
    imported_from: Path | None

    def in_tree(self, top: Path, tree: Path, python: str = "") -> Source:
        """The same source in a copy ``tree`` of the repository at ``top``, to be run by ``python``.

        ``FileNotFoundError`` where the copy has no such file.
        """
        there = tree / self.file.relative_to(top)
        if not there.is_file():
            raise FileNotFoundError(there)
        other = replace(self.source, suffix=BEFORE, python=python)
        if self.imported_from is None:
            return replace(other, location=str(there))
        return replace(other, code=str(tree / self.imported_from.relative_to(top)))


def place_of(source: Source) -> PlaceOfCode:
    """Where ``source`` stands, links followed. Nothing is imported."""
    if source.kind == "built-in":
        folder = Path(pointwise_bench.backends.__file__).resolve().parent
        module = source.location.rpartition(".")[2]
        files = [folder / f"{module}.py", folder / module / "__init__.py"]
        return PlaceOfCode(source, next(file for file in files if file.is_file()), folder)
    if source.kind == "plugin" and source.location.endswith(".py"):
        return PlaceOfCode(source, Path(source.location).resolve(), None)
    dotted = source.location
    if source.kind == "entry-point":
        dotted = next(iter(entry_points(group=ENTRY_POINT_GROUP, name=dotted))).module
    file = _file_of(dotted.split("."))
    if file is None:
        raise NoOtherVersion(f"{dotted} is no module of Python source")
    up = len(dotted.split(".")) - (file.name != "__init__.py")
    return PlaceOfCode(source, file, file.parents[up])


def _file_of(parts: Sequence[str]) -> Path | None:
    """The file of a module, by its parts; its packages are not imported for that, which would run their code here."""
    where: Sequence[str] | None = None
    origin: str | None = None
    for count in range(1, len(parts) + 1):
        found = PathFinder.find_spec(".".join(parts[:count]), where)
        if found is None:
            return None
        where, origin = found.submodule_search_locations or (), found.origin
    return None if origin is None or not origin.endswith(".py") else Path(origin).resolve()
