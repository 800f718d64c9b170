"""What all parts must agree on stands in ``pointwise_bench.common`` and nowhere else. Read from the syntax trees."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from functools import cache, lru_cache

import pytest
from imports import modules_of, tree
from places import ROOT

from pointwise_bench.common import formats
from pointwise_bench.common.heavy_packages import HEAVY_PACKAGES
from pointwise_bench.common.status import STATUSES

SEARCHED = ("backends", "suites", "report", "tests", "src/pointwise_bench")
COMMON = ROOT / "src" / "pointwise_bench" / "common"

FEWEST_OF_A_COPY, FEWEST_IN_A_TEST = 3, 5
"""So many words of one list, side by side, are a copy of it or of a part. Two are a choice of one's own; and a row that
a test expects, of a table that it made, may well hold three or four."""

FILE_NAMES = {value for name, value in vars(formats).items() if name.endswith("_FILE")}

PATHS = sorted(
    path
    for folder in SEARCHED
    for path in (ROOT / folder).rglob("*.py")
    # Links to the folders at the top are searched there.
    if COMMON not in path.parents and not any(parent.is_symlink() for parent in path.parents)
)


@cache
def agreed_names() -> frozenset[str]:
    """Every constant of ``common``."""
    return frozenset(
        name
        for module in modules_of("common")
        for statement in tree(module).body
        for name in _assigned(statement)
        if name.isupper()
    )


@lru_cache(maxsize=1)
def all_of(source: ast.Module) -> list[ast.AST]:
    """Every node of a file, which is asked several questions."""
    return list(ast.walk(source))


def _assigned(statement: ast.stmt) -> Iterator[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    targets = [statement.target] if isinstance(statement, ast.AnnAssign) else targets
    for target in targets:
        for node in ast.walk(target):
            if isinstance(node, ast.Name):
                yield node.id


def copies(source: ast.Module, words: Collection[str], fewest: int = FEWEST_OF_A_COPY) -> list[str]:
    """Literal tuples, lists and sets that hold several of ``words``.

    A dictionary is no copy: it says something of each word.
    """
    return [
        ast.unparse(node)
        for node in all_of(source)
        if isinstance(node, ast.Tuple | ast.List | ast.Set) and len(_strings(node) & set(words)) >= fewest
    ]


def _strings(node: ast.Tuple | ast.List | ast.Set) -> set[str]:
    return {each.value for each in node.elts if isinstance(each, ast.Constant) and isinstance(each.value, str)}


def second_assignments(source: ast.Module) -> list[str]:
    """Constants of ``common`` that a module assigns for itself."""
    return sorted(agreed_names() & {name for statement in source.body for name in _assigned(statement)})


def written_out(source: ast.Module) -> list[str]:
    """Names of a run's files as strings of their own, also as the last part of a path or pattern."""
    texts = (node.value for node in all_of(source) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return [text for text in texts if text.rpartition("/")[2] in FILE_NAMES and " " not in text]


def said_again(text: str, *, in_a_test: bool) -> list[str]:
    """What a file says that stands in ``common``; few files hold the words at all, and only those are parsed."""
    fewest = FEWEST_IN_A_TEST if in_a_test else FEWEST_OF_A_COPY
    statuses, packages = (sum(word in text for word in words) for words in (STATUSES, HEAVY_PACKAGES))
    holds_files = not in_a_test and any(name in text for name in FILE_NAMES)
    if statuses < fewest and packages < FEWEST_OF_A_COPY and not holds_files and not names_in(text) & agreed_names():
        return []
    source = ast.parse(text)
    found = [*copies(source, STATUSES, fewest), *copies(source, HEAVY_PACKAGES), *second_assignments(source)]
    # A test says what a user finds on the disk, whatever the code calls it.
    return found if in_a_test else [*found, *written_out(source)]


def names_in(text: str) -> set[str]:
    """Constants before an equals sign in a line of a text: what may be an assignment."""
    return set(re.findall(r"\b[A-Z][A-Z0-9_]*\b(?=[^=\n]*=)", text))


@pytest.mark.parametrize("folder", SEARCHED)
def test_no_list_is_copied_and_no_constant_is_assigned_again(folder: str) -> None:
    own = [path for path in PATHS if ROOT / folder in path.parents]
    assert own
    found = {
        str(path.relative_to(ROOT)): said
        for path in own
        if (said := said_again(path.read_text(), in_a_test=folder == "tests"))
    }
    assert found == {}


COUNTS_CORES_ITSELF = {
    ROOT / "suites/harness/machine/environment.py",  # the machine's own count, by which it is recognised
    ROOT / "suites/harness/machine/state/canary.py",  # where a thread goes back to
}


ASKED = ("sched_getaffinity", "cpu_count", "process_cpu_count")


def counted_cores(text: str) -> list[str]:
    """Where the system is asked for cores."""
    if not any(name in text for name in ASKED):
        return []
    nodes = ast.walk(ast.parse(text))
    return [ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute) and node.attr in ASKED]


def test_cores_are_counted_in_one_place() -> None:
    """Tests ask the system, too: by another way than the code that they are about."""
    others = [path for path in PATHS if ROOT / "tests" not in path.parents and path not in COUNTS_CORES_ITSELF]
    assert [path for path in others if counted_cores(path.read_text())] == []
    assert all(counted_cores(path.read_text()) for path in COUNTS_CORES_ITSELF)
    assert counted_cores("import os\ncores = len(os.sched_getaffinity(0))")


def test_there_is_something_to_search() -> None:
    assert len(PATHS) > 150
    assert {"STATUSES", "SKIPPED", "HEAVY_PACKAGES", "RUN_FORMAT", "ROUNDS_APART", "USAGE_ERROR"} <= agreed_names()
    assert {"run.json", "cells.jsonl", "claims.jsonl"} <= FILE_NAMES


@pytest.mark.parametrize(
    "planted",
    [
        'STATES = ("ok", "wrong", "crashed", "timed-out", "out-of-memory", "failed", "unsupported", "unavailable")',
        'def f(x):\n    return x in {"failed", "crashed", "wrong"}',
        'Ends = Literal["wrong", "failed", "crashed"]',
    ],
)
def test_a_copy_of_the_statuses_is_found(planted: str) -> None:
    assert copies(ast.parse(planted), STATUSES) == said_again(planted, in_a_test=False) != []


def test_a_copy_in_a_test_is_found_and_a_row_that_it_expects_is_none() -> None:
    whole = ast.parse('["wrong", "crashed", "timed-out", "out-of-memory", "failed"]')
    row = ast.parse('assert row == ["ok", "wrong", "unsupported", "crashed"]')
    assert copies(whole, STATUSES, FEWEST_IN_A_TEST) == said_again(ast.unparse(whole), in_a_test=True) != []
    assert not copies(row, STATUSES, FEWEST_IN_A_TEST)


def test_a_copy_of_the_heavy_packages_is_found() -> None:
    planted = 'HEAVY = frozenset(["torch", "numba", "pandas"])'
    assert copies(ast.parse(planted), HEAVY_PACKAGES) == said_again(planted, in_a_test=True) != []


@pytest.mark.parametrize("planted", ["ROUNDS_APART = 1000", "A, USAGE_ERROR = 2, 4", "OK: Final = 'ok'"])
def test_a_second_assignment_is_found(planted: str) -> None:
    assert second_assignments(ast.parse(planted)) == said_again(planted, in_a_test=True) != []


@pytest.mark.parametrize("planted", ['folder / "run.json"', 'folder.glob("*/*/run.json")', 'f"*/{x}/cells.jsonl"'])
def test_a_file_name_that_is_written_out_is_found(planted: str) -> None:
    assert written_out(ast.parse(planted)) == said_again(planted, in_a_test=False) != []


@pytest.mark.parametrize(
    "innocent",
    [
        'skipped = ("unsupported", "unavailable")',
        'assert counts == {"failed": 1, "ok": 1, "unsupported": 1}',
        'cases = [("a", "wrong"), ("b", "failed"), ("c", "crashed")]',
        '"""A docstring about run.json"""',
    ],
)
def test_what_is_no_copy_is_left_in_peace(innocent: str) -> None:
    source = ast.parse(innocent)
    assert not copies(source, STATUSES)
    assert not second_assignments(source)
    assert not written_out(source)
    assert not said_again(innocent, in_a_test=False)
