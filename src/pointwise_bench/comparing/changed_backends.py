"""Which backends of the project are not made of the same code in two versions."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

PACKAGE: Final = "pointwise_bench.backends"
CONTRACT: Final = ("problem", "backend", "registry", "_finding")
"""What both versions are measured with, as this one has it."""


def changed(here: Path, there: Path, modules: Iterable[str]) -> list[str]:
    """Those ``modules`` of the folders of backends of which a file differs: their own, or one that they import."""
    return [one for one in modules if _code(here.resolve(), one) != _code(there.resolve(), one)]


def _code(folder: Path, module: str) -> dict[str, bytes]:
    """The files that a module is made of, by their names."""
    found: dict[str, bytes] = {}
    waiting = [module]
    while waiting:
        file = _file(folder, waiting.pop())
        if file is not None and str(file.relative_to(folder)) not in found:
            found[str(file.relative_to(folder))] = file.read_bytes()
            waiting += _imported(file)
    return found


def _file(folder: Path, dotted: str) -> Path | None:
    place = folder.joinpath(*dotted.split("."))
    files = (place.with_suffix(".py"), place / "__init__.py")
    return next((file for file in files if file.is_file()), None)


@cache
def _imported(file: Path) -> tuple[str, ...]:
    """Modules beside the contract that a file imports, or might: of ``from a import b`` both ``a`` and ``a.b``."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    ours = {name.removeprefix(f"{PACKAGE}.") for name in names if name.startswith(f"{PACKAGE}.")}
    return tuple(sorted(name for name in ours if name.partition(".")[0] not in CONTRACT))
