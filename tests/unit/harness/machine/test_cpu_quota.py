"""Quotas of control groups, of both versions, and the thread budget that follows from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pointwise_bench.suites.harness.machine import cpu_quota as module
from pointwise_bench.suites.harness.machine.cpu_quota import cpu_quota, default_threads


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
    ("cores", "quota", "threads"), [(4, None, 4), (4, 2.0, 2), (4, 2.9, 2), (4, 0.5, 1), (4, 16.0, 4)]
)
def test_the_default_thread_budget_is_what_the_quota_lets_run_at_once(
    cores: int, quota: float | None, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "available_cores", lambda: cores)
    monkeypatch.setattr(module, "cpu_quota", lambda: quota)
    assert default_threads() == threads
