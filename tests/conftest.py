"""What holds for every test of the project itself, and for no test of a user."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from folders_in_memory import use_memory

from pointwise_bench.suites.collecting import pytest_collection

# Without it, as where no test of suites is asked for, Python's collector goes through thousands of tests again and
# again while they are collected and run: a twentieth of the processor time of all that they do.
__all__ = ["pytest_collection"]


def pytest_configure(config: pytest.Config) -> None:
    """A warning is an error: it is either mended, or ignored where it is expected, with the reason.

    Here and not in pyproject.toml, where it would reach ``pytest suites/`` too: a library that warns its users must not
    make their run fail. In front of all other filters, so that each of them is an exception to it.
    """
    config.getini("filterwarnings").insert(0, "error")
    _have_a_machine_of_ones_own()
    if not config.option.basetemp:
        use_memory()


@pytest.fixture
def on_disk() -> Iterator[Path]:
    """A folder that is not in memory, for what a worker may not change.

    Any worker may write to the system's files in memory: libraries of threads keep their registers there.
    """
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where only tests are wanted that must be alone, leave out files without one.

    To import thousands of other tests for twenty took a quarter of a minute.
    """
    if config.option.markexpr != "alone" or collection_path.suffix != ".py":
        return None
    return None if "pytest.mark.alone" in collection_path.read_text(encoding="utf-8") else True


def _have_a_machine_of_ones_own() -> None:
    """Whole runs of one process of tests exclude each other, and not those of the processes beside it.

    Those that run beside each other look at no time. Every process sets it anew: it inherits that of the first.
    """
    own = Path(tempfile.gettempdir()) / f"pointwise-bench-tests-{os.getpid()}.lock"
    os.environ["POINTWISE_BENCH_MACHINE_LOCK"] = str(own)
