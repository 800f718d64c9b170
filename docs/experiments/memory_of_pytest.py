"""Whose memory grows in ``pytest suites/ --benchmark-only``: what it, pytest-benchmark and the harness keep.

    python docs/experiments/memory_of_pytest.py [CELLS]

Workers, ceilings and canary are scripted as in ``memory.py``. Everything that a holder refers to is followed and its
sizes are added up once the last test is over; what two of them hold is counted for the first one named.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import pytest
from memory import MEBIBYTE, SECONDS_PER_CALL, play_scripted, resident_mib

NOT_FOLLOWED = (type, ModuleType, FunctionType, BuiltinFunctionType, CodeType, FrameType)


class Witness:
    """Notes resident memory at the stages of a session, and at the end who holds what."""

    def __init__(self) -> None:
        self.resident_mib: dict[str, float] = {}
        self.held_mib: dict[str, float] = {}
        self.passes: Any = None

    def _note(self, stage: str) -> None:
        self.resident_mib[stage] = round(resident_mib(), 1)

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Before anything is collected; the harness gets its scripted parts."""
        from pointwise_bench.suites.harness.run.course.full_course import FullCourse

        play_scripted()
        run = FullCourse.run

        def watched(course: FullCourse) -> None:
            self.passes = course.passes
            self._note("before measuring")
            run(course)
            self._note("measured")

        setattr(FullCourse, "run", watched)  # noqa: B010  # for type checkers a method is not assigned to
        self._note("begun")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """All tests are known."""
        self._note("collected")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """All tests are over."""
        self._note("published")
        seen: set[int] = {id(self), id(session), id(session.config)}
        holders = {
            "harness: passes": self.passes,
            "pytest: collected tests": session.items,
            "pytest: reports": session.config.pluginmanager.getplugin("terminalreporter").stats,
            "pytest-benchmark: benchmarks": session.config._benchmarksession.benchmarks,  # type: ignore[attr-defined]
        }
        for name, holder in holders.items():
            self.held_mib[name] = round(size_of(holder, seen) / MEBIBYTE, 2)


def size_of(holder: Any, seen: set[int]) -> int:
    """Bytes of all objects that ``holder`` leads to and that are not in ``seen``."""
    total, pending = 0, [holder]
    while pending:
        each = pending.pop()
        if id(each) in seen or isinstance(each, NOT_FOLLOWED) or type(each).__module__.startswith("_pytest.config"):
            continue
        seen.add(id(each))
        total += sys.getsizeof(each)
        pending += gc.get_referents(each)
    return total


def main(cells: int) -> None:
    """Run pytest in this process and print what the witness saw."""
    witness = Witness()
    with tempfile.TemporaryDirectory() as folder:
        shapes = Path(folder, "many.csv")
        rows = [f"layer-{n},1,{1 + n % 100},{1 + n // 100},2,2" for n in range(cells // len(SECONDS_PER_CALL))]
        shapes.write_text("name,batch,in_channels,out_channels,height,width\n" + "\n".join(rows) + "\n")
        arguments = [
            "suites/test_networks.py",
            "--benchmark-only",
            "-q",
            "--benchmark-columns=median",
            "--threads",
            "1",
        ]
        arguments += ["--benchmark-columns=median", f"--benchmark-storage={folder}", "-p", "no:cacheprovider"]
        arguments += [f"--results={folder}/results"]
        arguments += [f"--backend={name}" for name in SECONDS_PER_CALL]
        assert pytest.main([*arguments, f"--shapes={shapes}"], plugins=[witness]) == 0
    print(json.dumps({"cells": cells, "resident_mib": witness.resident_mib, "held_mib": witness.held_mib}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
