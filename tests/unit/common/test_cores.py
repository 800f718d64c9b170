"""The count of cores: those that this process may use."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from places import ROOT

from pointwise_bench.common.cores import available_cores, core_numbers


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity of a process")
def test_the_cores_are_those_that_this_process_may_use() -> None:
    program = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    program += "from pointwise_bench.common.cores import available_cores; print(available_cores())"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
    assert available_cores() == len(os.sched_getaffinity(0))
    assert core_numbers() == sorted(os.sched_getaffinity(0))


def test_a_system_without_affinity_has_a_count_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    assert core_numbers() == []
    assert available_cores() == os.cpu_count()
