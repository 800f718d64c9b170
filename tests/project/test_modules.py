"""What every module is like: its length, its name, the test that mirrors it, and what its import costs."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable

import pytest
from house import BACKENDS, COMPILED, contestants, heavy_at_the_top, helpers
from imports import FILES, PACKAGE, modules_of, ours, tree
from places import HELPERS, ROOT

# Packages of which every module has a test file of its own name, and the folder of tests that mirrors each.
MIRRORED = {"report": "tests/unit/report", "suites.harness": "tests/unit/harness"}
# Where such a file stands instead, if what a module does shows in processes of their own, whole runs or the gate only,
# or takes long.
ELSEWHERE = {"report": (), "suites.harness": ("tests/process", "tests/run", "tests/gate", "tests/long")}

LONGEST_FILE, LONGEST_BACKEND, LONGEST_HELPER, LONGEST_PART = 399, 80, 150, 300  # lines
# A plugin is one file, and its sixty backends, which nobody reads in a row, are registered in one worker's process.
LONG_BY_NATURE = {HELPERS / "plugins" / "misbehaving.py"}


# --- tests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", MIRRORED)
def test_every_module_has_a_test_file_of_its_own_name(package: str) -> None:
    """``report/analysis/regression.py`` is tested in ``analysis/test_regression.py``: where none was, faults sat."""
    lacking = []
    for module in [module for module in modules_of(package) if "__init__" not in FILES[module].name]:
        *rooms, name = module.removeprefix(f"{PACKAGE}.{package}.").split(".")
        file = f"test_{name.strip('_')}.py"
        expected = ROOT.joinpath(MIRRORED[package], *rooms, file)
        if not any(path.is_file() for path in (expected, *(ROOT / folder / file for folder in ELSEWHERE[package]))):
            lacking.append(f"{module} has no {expected.relative_to(ROOT)}")
    assert lacking == []


# --- names --------------------------------------------------------------------------------------------------------


def test_no_two_public_classes_have_one_name() -> None:
    """Names of types included, where a module defines one; tests, planted faults and attacks have their own."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for module in FILES:
        if any(part in module for part in (".test_", ".planted.", ".attacks.")):
            continue
        for node in tree(module).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(module)
    assert {name: modules for name, modules in places.items() if len(modules) > 1} == {}


# --- lengths ---------------------------------------------------------------------------------------------------------


def longer_than(most: int, modules: Iterable[str]) -> dict[str, int]:
    """Lines of those of ``modules`` that have more than ``most``."""
    lines = {module: len(FILES[module].read_text().splitlines()) for module in modules}
    assert lines
    return {module: count for module, count in lines.items() if count > most}


def test_a_file_is_read_in_one_sitting() -> None:
    """Those of tests and experiments too."""
    files = {*FILES.values(), *(path for folder in ("tests", "docs") for path in (ROOT / folder).rglob("*.py"))}
    assert len(files) > 800
    lines = {path: len(path.read_text().splitlines()) for path in files}
    assert {path for path, count in lines.items() if count > LONGEST_FILE} == LONG_BY_NATURE


def test_a_backend_is_read_in_a_minute() -> None:
    assert longer_than(LONGEST_BACKEND, contestants()) == {}


def test_a_helper_has_one_purpose_and_the_length_of_one() -> None:
    # The parts of a contestant that is a package are its own code, which it shares with nobody.
    parts = {module for module in helpers() if "._shared" not in module}
    assert longer_than(LONGEST_PART, parts) == {}
    assert longer_than(LONGEST_HELPER, {*helpers()} - parts) == {}
    assert longer_than(1, parts)


# --- what is imported at the top --------------------------------------------------------------------------------------


def test_what_numba_compiles_is_imported_inside_functions_only() -> None:
    assert FILES.keys() >= COMPILED
    importers = [module for module in FILES if module not in COMPILED and COMPILED & ours(module)]
    assert importers
    assert not [module for module in importers if COMPILED & ours(module, inside_functions=False)]


def test_what_is_heavy_at_the_top_is_named() -> None:
    numba = f"{BACKENDS}._microkernel.compiled"
    assert f"{numba} -> numba" in heavy_at_the_top([numba])


def test_no_module_of_backends_imports_anything_heavy_at_its_top() -> None:
    assert heavy_at_the_top({*modules_of("backends")} - COMPILED) == []
