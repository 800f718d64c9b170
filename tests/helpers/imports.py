"""Who imports whom, read from the source of every file: nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from places import ROOT

PACKAGE = "pointwise_bench"
SOURCE: Final = ROOT / "src" / PACKAGE
LINKED = ("backends", "suites", "report")
# Found and not listed: a room that somebody adds is held to the rules of the house from its first file on.
BESIDE = tuple(sorted(path.name for path in SOURCE.iterdir() if path.is_dir() and not path.is_symlink()))


def module_name(path: Path) -> str:
    """The full name of a module, by its file in ``src/pointwise_bench`` or in a folder that is linked there."""
    relative = path.relative_to(ROOT / "src" if path.is_relative_to(ROOT / "src") else ROOT)
    parts = relative.with_suffix("").parts
    parts = parts if parts[0] == PACKAGE else (PACKAGE, *parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {
    module_name(path): path
    for path in [
        *sorted(SOURCE.glob("*.py")),
        *(path for folder in BESIDE for path in sorted((SOURCE / folder).rglob("*.py"))),
        *(path for folder in LINKED for path in sorted((ROOT / folder).rglob("*.py"))),
    ]
}


@cache
def tree(module: str) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(FILES[module].read_text())


def _is_for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and any(
        getattr(part, "id", getattr(part, "attr", "")) == "TYPE_CHECKING" for part in ast.walk(node.test)
    )


class Imported(NamedTuple):
    """An import statement, and where it stands."""

    statement: ast.Import | ast.ImportFrom
    in_function: bool
    for_types: bool


def _below(body: Iterable[ast.AST], in_function: bool, for_types: bool) -> Iterator[Imported]:
    """Those among some statements and below them."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield Imported(node, in_function, for_types)
        elif _is_for_type_checkers(node):
            assert isinstance(node, ast.If)
            yield from _below(node.body, in_function, for_types=True)
            yield from _below(node.orelse, in_function, for_types)
        else:
            inside = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for part in BODIES:
                if below := getattr(node, part, None):
                    yield from _below(below, inside, for_types)


BODIES: Final = ("body", "orelse", "handlers", "finalbody", "cases")
"""Where statements hold statements."""


@cache
def _statements(module: str) -> tuple[Imported, ...]:
    """All of a module's, in one walk for every question that is asked of them."""
    return tuple(_below(tree(module).body, in_function=False, for_types=False))


@cache
def imports(module: str, *, inside_functions: bool = True, for_types: bool = True) -> frozenset[str]:
    """Full names of the modules that ``module`` imports; of ``from package import submodule``, the submodule.

    What stands in functions, and what is for type checkers, only on request.
    """
    found: set[str] = set()
    for statement, in_function, is_for_types in _statements(module):
        if (in_function and not inside_functions) or (is_for_types and not for_types):
            continue
        if isinstance(statement, ast.Import):
            found |= {alias.name for alias in statement.names}
            continue
        assert statement.level == 0, f"{module} imports relatively: write the whole name"
        assert statement.module is not None
        names = {f"{statement.module}.{alias.name}" for alias in statement.names}
        submodules = names & FILES.keys()
        found |= submodules
        if submodules != names:
            found.add(statement.module)
    return frozenset(found)


def ours(module: str, *, inside_functions: bool = True, for_types: bool = True) -> frozenset[str]:
    """Those imports of ``module`` that are of this project."""
    everything = imports(module, inside_functions=inside_functions, for_types=for_types)
    return frozenset(name for name in everything if name.partition(".")[0] == PACKAGE)


def named(module: str) -> frozenset[str]:
    """Modules of ours whose full names are strings of ``module``: what it imports, or starts, by name."""
    strings = {node.value for node in ast.walk(tree(module)) if isinstance(node, ast.Constant)}
    return frozenset(FILES.keys() & strings)


def modules_of(package: str) -> list[str]:
    """A package with all modules below it; ``package`` without the project's name."""
    whole = f"{PACKAGE}.{package}"
    return [module for module in FILES if module == whole or module.startswith(f"{whole}.")]
