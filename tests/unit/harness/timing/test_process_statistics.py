"""What a process tells of itself: time spent in imports, and peak memory."""

from __future__ import annotations

import builtins
import importlib.abc
import sys
import time

import numpy as np
import pytest

from pointwise_bench.suites.harness.timing import process_statistics
from pointwise_bench.suites.harness.timing.process_statistics import import_time, peak_rss_bytes

# --- imports ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("slow_modules")
def test_nested_imports_are_counted_once() -> None:
    began = time.perf_counter()
    with import_time() as spent_s:
        import outer_slow  # type: ignore[import-not-found]  # noqa: F401  # written by the fixture
    assert 0.2 <= spent_s() <= time.perf_counter() - began


@pytest.mark.usefixtures("slow_modules")
def test_imports_are_counted_and_other_work_is_not() -> None:
    began = time.perf_counter()
    with import_time() as spent_s:
        time.sleep(0.1)
        import inner_slow  # type: ignore[import-not-found]  # noqa: F401  # written by the fixture
    assert 0.1 <= spent_s() <= time.perf_counter() - began - 0.1


@pytest.mark.usefixtures("slow_modules")
def test_a_failed_import_counts_and_imports_are_as_before() -> None:
    original = builtins.__import__
    with import_time() as spent_s:
        with pytest.raises(ModuleNotFoundError):
            import no_such_module_anywhere  # type: ignore[import-not-found]  # noqa: F401  # what is tested
        import inner_slow  # noqa: F401
    assert spent_s() >= 0.1
    assert builtins.__import__ is original


@pytest.mark.alone
@pytest.mark.usefixtures("slow_modules")
def test_what_a_plugin_does_in_a_module_of_its_own_is_its_preparing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What that imports of what is installed is not."""
    whole = process_statistics.INSTALLED
    monkeypatch.setattr(process_statistics, "INSTALLED", whole[:-1])
    with import_time() as spent_s:
        import inner_slow
    assert spent_s() < 0.05
    monkeypatch.setattr(process_statistics, "_is_installed", lambda module: module is not sys.modules.get("outer_slow"))
    monkeypatch.delitem(sys.modules, "inner_slow")
    with import_time() as spent_s:
        import outer_slow  # noqa: F401
    assert 0.1 <= spent_s() < 0.2
    with import_time() as spent_s:  # which is there already
        import inner_slow  # noqa: F401
    assert spent_s() == 0


@pytest.mark.usefixtures("slow_modules")
def test_no_import_counts_where_a_plugin_looks_for_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """It could do its work there, whatever is imported."""

    class Finder(importlib.abc.MetaPathFinder):
        def find_spec(self, *_: object) -> None:
            time.sleep(0.05)

    Finder.__module__ = "plugin_with_a_finder"
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    with import_time() as spent_s:
        import inner_slow  # noqa: F401
    assert spent_s() == 0


# --- memory --------------------------------------------------------------------------------------------------------


def test_the_high_water_mark_of_memory_is_in_bytes() -> None:
    before = peak_rss_bytes()
    block = np.ones(50_000_000 // 8)
    assert peak_rss_bytes() >= 50_000_000
    assert peak_rss_bytes() >= before
    del block
