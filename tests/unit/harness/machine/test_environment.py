"""Where a run happened: what is told, what is never told, and what is warned of."""

from __future__ import annotations

import json
import os
import platform
import re
import socket
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from pointwise_bench.suites.harness.machine import cpu, environment
from pointwise_bench.suites.harness.machine.environment import describe, machine, packages, warnings


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine of four cores on which nothing is amiss."""
    monkeypatch.setattr(os, "getloadavg", lambda: (2.0, 9.0, 9.0))
    monkeypatch.setattr(environment, "available_cores", lambda: 4)
    monkeypatch.setattr(environment, "cpu_quota", lambda: None)
    monkeypatch.setattr(cpu, "governor", lambda: "performance")
    for name in environment.SLOWING_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_what_is_told_can_be_written_and_names_nobody(quiet: pytest.MonkeyPatch) -> None:
    quiet.setenv("OMP_NUM_THREADS", "2")
    quiet.setenv("SECRET_TOKEN", "hunter2")
    quiet.setenv("HOME", "/home/somebody")
    quiet.setattr(platform, "release", lambda: "6.1.0-18-cloud-of-somebody")
    quiet.setattr(platform, "node", lambda: "computer-of-somebody")
    quiet.setattr(socket, "gethostname", platform.node)
    told = describe()
    text = json.dumps(told)
    assert told["variables"]["OMP_NUM_THREADS"] == "2"
    assert told["system"].endswith(" 6.1.0")
    assert told["affinity"] == 4
    assert told["load"] == [2.0, 9.0, 9.0]
    assert "hunter2" not in text
    assert "somebody" not in text


@pytest.mark.parametrize(
    ("name", "steers"),
    [
        *(("OMP_NUM_THREADS", True), ("OPENBLAS_CORETYPE", True), ("MKL_DYNAMIC", True), ("KMP_BLOCKTIME", True)),
        *(("MALLOC_ARENA_MAX", True), ("LD_PRELOAD", True), ("XLA_FLAGS", True)),
        *(("PATH", False), ("HOME", False), ("MY_OMP_NUM_THREADS", False), ("OMP", False), ("LD_PRELOAD_X", False)),
    ],
)
def test_variables_that_steer_threads_and_memory_are_told(name: str, steers: bool) -> None:
    assert bool(environment.THREADING_VARIABLE.fullmatch(name)) is steers


def test_a_quiet_machine_is_warned_of_nothing(quiet: pytest.MonkeyPatch) -> None:
    """A load of 2.0 on four cores is the most that passes."""
    assert warnings() == []


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda patch: patch.setenv("OPENBLAS_CORETYPE", "Haswell"), "OPENBLAS_CORETYPE=Haswell overrides"),
        (lambda patch: patch.setattr(os, "getloadavg", lambda: (2.1, 0.0, 0.0)), "the load average was 2.1 when"),
        (
            lambda patch: patch.setattr(cpu, "governor", lambda: "powersave"),
            "governed by 'powersave'",
        ),
        (
            lambda patch: patch.setattr(environment, "cpu_quota", lambda: 1.5),
            "allows 1.5 processors' worth of time on 4",
        ),
    ],
)
def test_each_warning_says_what_it_saw(
    quiet: pytest.MonkeyPatch, spoil: Callable[[pytest.MonkeyPatch], None], words: str
) -> None:
    spoil(quiet)
    (warning,) = warnings()
    assert words in warning


def test_an_empty_variable_overrides_nothing(quiet: pytest.MonkeyPatch) -> None:
    quiet.setenv("OPENBLAS_CORETYPE", "")
    assert warnings() == []


@pytest.fixture
def fixed_machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(cpu, "name", lambda: "Intel(R) Xeon(R) CPU @ 2.2GHz")
    monkeypatch.setattr(cpu, "flags", lambda: "avx2")
    monkeypatch.setattr(cpu, "cache_bytes", lambda: {"L1": 2**15})
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=100 * 2**28 + 5))
    monkeypatch.setattr(environment, "_first_line", lambda path: "an id")
    return monkeypatch


def uncached() -> str:
    return machine.__wrapped__()


def test_a_machine_is_a_folder_name_that_the_next_boot_has_too(fixed_machine: pytest.MonkeyPatch) -> None:
    name = uncached()
    assert re.fullmatch(r"intel-xeon-16-cores-[0-9a-f]{8}", name)
    # Firmware that keeps some megabytes more for itself does not make it another machine.
    fixed_machine.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=100 * 2**28 + 10**8))
    assert uncached() == name


@pytest.mark.parametrize(
    ("where", "name", "value"),
    [
        (environment, "_first_line", lambda path: "another id"),
        (cpu, "flags", lambda: "avx2 avx512f"),
        (cpu, "cache_bytes", lambda: {"L1": 2**16}),
        (psutil, "virtual_memory", lambda: SimpleNamespace(total=50 * 2**28)),
    ],
)
def test_two_machines_of_one_model_are_told_apart(
    fixed_machine: pytest.MonkeyPatch, where: Any, name: str, value: Any
) -> None:
    before = uncached()
    fixed_machine.setattr(where, name, value)
    assert uncached() != before
    assert uncached().startswith("intel-xeon-16-cores-")


def test_packages_are_what_the_project_can_use_and_installed_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {"numpy": "2.1", "my-backends": "0.3", "unrelated": "9", "pytest-benchmark": "5.1"}

    def version(name: str) -> str:
        if name not in installed:
            raise PackageNotFoundError(name)
        return installed[name]

    def distribution(name: str, group: str) -> SimpleNamespace:
        return SimpleNamespace(entry_points=[SimpleNamespace(group=group)], metadata={"Name": name})

    monkeypatch.setattr(environment, "requires", lambda name: ["numpy>=2.0", 'torch>=2.4; extra == "torch"'])
    monkeypatch.setattr(environment, "version", version)
    monkeypatch.setattr(
        environment,
        "distributions",
        lambda: [distribution("my-backends", "pointwise_bench.backends"), distribution("unrelated", "console_scripts")],
    )
    assert packages() == {"my-backends": "0.3", "numpy": "2.1", "pytest-benchmark": "5.1"}


def test_a_checkout_that_is_not_installed_has_packages_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> list[str]:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(environment, "requires", absent)
    assert {"numpy", "pytest"} <= packages().keys()


def test_steal_is_none_where_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "cpu_times", lambda: SimpleNamespace(steal=1.5))
    assert environment.steal_seconds() == 1.5
    monkeypatch.setattr(psutil, "cpu_times", SimpleNamespace)
    assert environment.steal_seconds() is None


def test_the_first_line_of_a_file_that_may_not_be_there(tmp_path: Path) -> None:
    (tmp_path / "some").write_text("first\nsecond\n")
    assert environment._first_line(str(tmp_path / "some")) == "first"
    assert environment._first_line(str(tmp_path / "none")) is None
