"""The count of cores: those that this process may use, and quotas of control groups, of both versions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT

from pointwise_bench.common import cores as cores_module
from pointwise_bench.common.cores import available_cores, core_numbers, cpu_quota, default_threads


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


# --- control groups -----------------------------------------------------------------------------------------------


def quota_of(folder: Path, own: str, files: dict[str, str]) -> float | None:
    """The quota on a system with these files below its control groups."""
    for name, content in files.items():
        path = folder / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (folder / "own").write_text(own)
    return cpu_quota(folder / "cgroup", folder / "own")


@pytest.mark.parametrize(
    ("own", "files", "quota"),
    [
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2.0),
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 0.5),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/\n", {}, None),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "150000 100000\n"}, 1.5),
        ("0::/a/b\n", {"a/b/cpu.max": "400000 100000\n", "a/cpu.max": "100000 100000\n"}, 1.0),
        (
            "5:memory:/m\n4:cpu,cpuacct:/a\n",
            {"cpu,cpuacct/a/cpu.cfs_quota_us": "300000\n", "cpu,cpuacct/a/cpu.cfs_period_us": "100000\n"},
            3.0,
        ),
        ("4:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ("4:cpuset:/\n", {"cpuset/cpu.cfs_quota_us": "1\n", "cpuset/cpu.cfs_period_us": "1\n"}, None),
        ("0::/\n", {"cpu.max": "100000 0\n"}, None),
        ("0::/\n", {"cpu.max": "nonsense\n"}, None),
        ("nonsense\n", {"cpu.max": "100000 100000\n"}, None),
    ],
)
def test_the_narrowest_limit_counts(own: str, files: dict[str, str], quota: float | None, tmp_path: Path) -> None:
    assert quota_of(tmp_path, own, files) == quota


def test_a_system_without_control_groups_has_no_quota(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path, tmp_path / "absent") is None


@pytest.mark.parametrize(
    ("count", "quota", "threads"), [(4, None, 4), (4, 2.0, 2), (4, 2.9, 2), (4, 0.5, 1), (4, 16.0, 4)]
)
def test_the_default_thread_budget_is_what_the_quota_lets_run_at_once(
    count: int, quota: float | None, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores_module, "available_cores", lambda: count)
    monkeypatch.setattr(cores_module, "cpu_quota", lambda: quota)
    assert default_threads() == threads
