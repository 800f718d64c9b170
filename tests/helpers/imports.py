"""Who imports whom, read from the source of every file: nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from places import ROOT

PACKAGE = "pointwise_bench"
LINKED = ("backends", "suites", "report")
BESIDE = ("common", "harvest", "wisdom", "torch", "comparing")


def module_name(path: Path) -> str:
    """The full name of a module, by its file in ``src/pointwise_bench`` or in a folder that is linked there."""
    relative = path.relative_to(ROOT / "src" if path.is_relative_to(ROOT / "src") else ROOT)
    parts = relative.with_suffix("").parts
    parts = parts if parts[0] == PACKAGE else (PACKAGE, *parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {
    module_name(path): path
    for path in [
        *sorted((ROOT / "src" / PACKAGE).glob("*.py")),
        *(path for folder in BESIDE for path in sorted((ROOT / "src" / PACKAGE / folder).rglob("*.py"))),
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


def _statements(node: ast.AST, *, inside_functions: bool, for_types: bool) -> Iterator[ast.stmt]:
    """Import statements below ``node``; those of functions and of type checkers only on request."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif isinstance(child, ast.expr):
            continue  # holds no statement
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and not inside_functions:
            continue
        elif _is_for_type_checkers(child) and not for_types:
            assert isinstance(child, ast.If)
            for branch in child.orelse:
                yield from _statements(branch, inside_functions=inside_functions, for_types=for_types)
        else:
            yield from _statements(child, inside_functions=inside_functions, for_types=for_types)


@cache
def imports(module: str, *, inside_functions: bool = True, for_types: bool = True) -> frozenset[str]:
    """Full names of the modules that ``module`` imports; of ``from package import submodule``, the submodule."""
    found: set[str] = set()
    for statement in _statements(tree(module), inside_functions=inside_functions, for_types=for_types):
        if isinstance(statement, ast.Import):
            found |= {alias.name for alias in statement.names}
            continue
        assert isinstance(statement, ast.ImportFrom)
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


def modules_of(package: str) -> list[str]:
    """A package with all modules below it; ``package`` without the project's name."""
    whole = f"{PACKAGE}.{package}"
    return [module for module in FILES if module == whole or module.startswith(f"{whole}.")]
