"""Devices with memory of their own: whether the machine shows one, and whether a process has opened it."""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import pytest

from pointwise_bench.suites.harness.machine import devices


@pytest.fixture
def resting() -> Iterator[int]:
    """A process that has opened nothing but the null device. It is there: one that is only starting has no files."""
    nothing = subprocess.DEVNULL
    code = "import time; print(flush=True); time.sleep(60)"
    started = [sys.executable, "-S", "-c", code]
    with subprocess.Popen(started, stdin=nothing, stdout=subprocess.PIPE, stderr=nothing) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


@pytest.mark.parametrize("device", ["cuda", "opencl"])
def test_a_device_that_the_machine_does_not_show_is_not_believed(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "shown", lambda kind: 0)
    assert f'declares device "{device}", of which this machine has none' in str(devices.not_shown(device))
    monkeypatch.setattr(devices, "shown", lambda kind: int(kind == device))
    assert devices.not_shown(device) is None


def test_the_processor_and_what_nobody_knows_need_no_belief(monkeypatch: pytest.MonkeyPatch, resting: int) -> None:
    monkeypatch.setattr(devices, "shown", lambda kind: 1 / 0)
    assert [devices.not_shown(each) for each in ("cpu", "npu")] == [None, None]
    assert [devices.not_used(each, resting) for each in ("cpu", "npu")] == [None, None]


@pytest.mark.parametrize("device", ["cuda", "opencl"])
def test_a_process_that_has_opened_no_device_is_not_believed(device: str, resting: int) -> None:
    assert "its process has opened none" in str(devices.not_used(device, resting))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell what a process holds open")
@pytest.mark.parametrize(("device", "trace"), [("cuda", "^/dev/null$"), ("opencl", "/[^/]*$")])
def test_a_process_that_has_opened_one_is_believed(
    device: str, trace: str, resting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(devices._KINDS, device, replace(devices._KINDS[device], trace=re.compile(trace)))
    assert devices.not_used(device, resting) is None


def test_a_process_of_which_the_system_tells_nothing_is_believed() -> None:
    assert [devices.not_used(each, 2**30) for each in ("cuda", "opencl")] == [None, None]


def test_drivers_that_end_in_an_error_show_nothing() -> None:
    assert devices.shown("a kind that the program does not know") == 0


@pytest.mark.parametrize(("answer", "counted"), [("a warning\n2\n", 2), ("0\n", 0), ("", 0), ("what?", 0)])
def test_the_last_word_of_the_drivers_process_counts(
    answer: str, counted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *command, **options: SimpleNamespace(stdout=answer))
    assert devices.shown.__wrapped__("cuda") == counted


@pytest.mark.parametrize("failure", [OSError("no"), subprocess.TimeoutExpired("it", 1.0)])
def test_drivers_that_cannot_be_asked_show_nothing(failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*command: Any, **options: Any) -> None:
        raise failure

    monkeypatch.setattr(subprocess, "run", run)
    assert devices.shown.__wrapped__("cuda") == 0


@pytest.mark.parametrize(("initialised", "counted"), [(0, 3), (100, 0)])
def test_cudas_devices_are_counted_by_its_driver(
    initialised: int, counted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = SimpleNamespace(cuInit=lambda flags: initialised, cuDeviceGetCount=lambda count: fill(count, 3))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: driver)
    assert devices._count_cuda() == counted


@pytest.mark.parametrize(("failed", "counted"), [(0, 3), (-1, 1)])
def test_opencls_devices_are_counted_over_all_implementations(failed: int, counted: int) -> None:
    """One that fails has none, and the others count: two devices of the first, one of the second."""

    def platforms(most: int, found: Any, count: Any) -> int:
        found[0], found[1] = 7, 8
        return fill(count, 2)

    def each(platform: Any, kind: Any, most: int, found: Any, count: Any) -> int:
        fill(count, 2 if platform.value == 7 else 1)
        return failed if platform.value == 7 else 0

    assert devices._count_by_loader(SimpleNamespace(clGetPlatformIDs=platforms, clGetDeviceIDs=each)) == counted  # type: ignore[arg-type]


@pytest.mark.skipif(find_spec("pyopencl") is None, reason="PyOpenCL is not installed")
def test_opencl_is_found_where_its_binding_finds_it() -> None:
    import pyopencl

    try:
        found = sum(len(platform.get_devices()) for platform in pyopencl.get_platforms())
    except pyopencl.Error:
        found = 0
    assert (devices.shown("opencl") > 0) == (found > 0)


def fill(count: Any, value: int) -> int:
    """Write where a pointer of ctypes leads, and succeed."""
    count._obj.value = value
    return 0
