"""What a process tells of itself: time spent in imports, and peak memory."""

from __future__ import annotations

import builtins
import time

import numpy as np
import pytest

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


# --- memory --------------------------------------------------------------------------------------------------------


def test_the_high_water_mark_of_memory_is_in_bytes() -> None:
    before = peak_rss_bytes()
    block = np.ones(50_000_000 // 8)
    assert peak_rss_bytes() >= 50_000_000
    assert peak_rss_bytes() >= before
    del block
