"""Which files of the suites a session collects, and that Python's collector is as it was afterwards."""

from __future__ import annotations

import gc
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from places import ROOT

from pointwise_bench.suites.collecting import pytest_collection, pytest_ignore_collect


def left_out(folder: Path, only_timed: bool) -> set[str]:
    config: Any = SimpleNamespace(getoption={"--benchmark-only": only_timed}.__getitem__)
    return {path.name for path in folder.glob("test_*.py") if pytest_ignore_collect(path, config)}


def test_where_only_timed_tests_are_wanted_files_without_any_are_left_out() -> None:
    assert left_out(ROOT / "suites", only_timed=True) == {"test_contract.py", "test_correctness.py"}


def test_otherwise_all_files_are_collected() -> None:
    assert left_out(ROOT / "suites", only_timed=False) == set()


def test_other_peoples_tests_are_collected_as_they_wish(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text("def test_theirs(): ...")
    assert left_out(tmp_path, only_timed=True) == set()


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_rests_while_tests_are_collected_and_is_then_as_it_was(enabled: bool) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        steps: Any = pytest_collection()
        next(steps)
        assert not gc.isenabled()
        with pytest.raises(KeyboardInterrupt):
            steps.throw(KeyboardInterrupt)
        assert gc.isenabled() is enabled
    finally:
        gc.unfreeze()
        (gc.enable if before else gc.disable)()
