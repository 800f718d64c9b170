"""Who is tried: attacks, one a file; mistakes that are planted, one a class; and the honest control of the attacks."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pointwise_bench import Problem
from pointwise_bench.common.formats import CHEATS, PLANTED_MISTAKES
from pointwise_bench.suites.harness.verify.gate import Declared
from pointwise_bench.suites.planted.shows_on import shows_on

FOLDERS: Final = {CHEATS: Path(__file__).parent, PLANTED_MISTAKES: Path(__file__).parent.parent / "planted"}
CONTROL: Final = "control"
RIGHT: Final = ("planted-right", "planted-right-gradient", "planted-right-activation", "planted-right-residual")


@dataclass(frozen=True)
class Kind:
    """One of them, by what its source says: nothing of it is imported here."""

    name: str
    file: Path
    backend: str
    tries: str
    """The sentence that says what it tries, or what is wrong with it."""
    declared: Declared
    wrong: bool = False
    """Whether its answers are wrong, so that it may get no time at all."""
    wrong_on: Problem | None = None
    """Of a planted mistake: a problem on which it is one."""


def of_attacks() -> Iterator[Kind]:
    """The attacks and their control, by the names of their files."""
    for file in sorted(FOLDERS[CHEATS].rglob("*.py")):
        for said, _, of_file in _registered(file):
            wrong = bool(said.get("wrong", False))
            yield Kind(file.stem, file, said["name"], of_file, _declared(said), wrong)


def of_planted() -> Iterator[Kind]:
    """The planted mistakes, by the names of their backends."""
    for file in sorted(FOLDERS[PLANTED_MISTAKES].glob("*.py")):
        for said, mistake, _ in _registered(file):
            if (name := said["name"]) not in RIGHT:
                yield Kind(name, file, name, mistake, _declared(said), True, shows_on(name))


def _registered(file: Path) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Of each backend in a file what its class says in constants, its sentence, and the file's own sentence."""
    tree = ast.parse(file.read_text("utf-8"))
    for each in tree.body:
        if isinstance(each, ast.ClassDef) and any(ast.unparse(one) == "register" for one in each.decorator_list):
            said = {
                statement.targets[0].id: statement.value.value
                for statement in each.body
                if isinstance(statement, ast.Assign)
                and isinstance(statement.targets[0], ast.Name)
                and isinstance(statement.value, ast.Constant)
            }
            yield said, _sentence(each), _sentence(tree)


def _declared(said: dict[str, Any]) -> Declared:
    return Declared(output=said.get("output", "fresh"), device=said.get("device", "cpu"))


def _sentence(documented: ast.ClassDef | ast.Module) -> str:
    return (ast.get_docstring(documented) or "").replace("\n", " ")


KINDS: Final = {kind.name: kind for kind in (*of_attacks(), *of_planted()) if kind.name != CONTROL}
"""All that the command tries, by name."""
CONTROL_KIND: Final = next(kind for kind in of_attacks() if kind.name == CONTROL)
