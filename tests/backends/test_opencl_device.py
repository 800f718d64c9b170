"""A real queue with real events: the device's clock against the host's, and work that is not waited for."""

from __future__ import annotations

import time

import numpy as np
import pytest
from late_import import late_import

from pointwise_bench.backends import Problem, registry
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.timing.judged_layer import JudgedLayer
from pointwise_bench.suites.harness.verify.cases import CaseSet

late_import("pyopencl")
OpenCl = type(registry.get("opencl"))

LONG = Problem(batch=1, in_channels=512, out_channels=512, height=28, width=28)  # a twentieth of a second on one core


class Unsynchronised(OpenCl):  # type: ignore[misc, valid-type]  # a class found through the registry
    """Forgets to wait."""

    name = "opencl-unsynchronised"

    def sync(self) -> None:
        """Forgotten."""

    def device_timer(self) -> None:
        """None: it would need ``sync``."""
        return


@pytest.fixture(autouse=True)
def available() -> None:
    if reason := registry.get("opencl").missing():
        pytest.skip(reason)


@pytest.mark.alone  # beside other tests, waking the host takes a twentieth of the kernel's time in each of nine calls
def test_device_time_agrees_with_host_time_on_a_long_kernel() -> None:
    """The same calls by both clocks, where they agree best: a disturbance between two readings only adds."""
    backend = OpenCl()
    layer = backend.prepare(LONG, np.ones(LONG.weight_shape, LONG.dtype), None, 1)
    x = backend.to_device(np.ones(LONG.input_shape, LONG.dtype))
    timer = backend.device_timer()
    assert timer is not None
    layer(x)
    backend.sync()
    pairs = []
    for _ in range(9):
        began = time.perf_counter()
        timer.start()
        layer(x)
        timer.stop()
        backend.sync()
        pairs.append((timer.elapsed_s(), time.perf_counter() - began))
    assert min(host for _, host in pairs) > 0.01
    assert max(device / host for device, host in pairs) == pytest.approx(1, abs=0.05)


def test_transfers_are_counted_where_the_name_says_so() -> None:
    """A problem that is all transfer: the copies show on both clocks.

    Both take their turns in the same rounds and the fastest turn of each counts: whoever else uses the machine only
    ever adds to a turn. With one backend measured after the other, and medians, three of sixteen came out the wrong
    way round beside a program that loaded a core.
    """
    moving = Problem(batch=1, in_channels=1, out_channels=1, height=1024, width=1024)
    cases = CaseSet.of(moving, seed=1)
    timed_layers = {name: JudgedLayer(registry.get(name), threads=1) for name in ("opencl", "opencl-from-host")}
    for timed_layer in timed_layers.values():
        timed_layer.set_up(moving, cases)
    rounds = [{name: timed_layer.turn(1, 0.0) for name, timed_layer in timed_layers.items()} for _ in range(15)]
    seconds, device_seconds = {}, {}
    for name, timed_layer in timed_layers.items():
        seconds[name] = min(turns[name].seconds_per_call for turns in rounds)
        device_seconds[name] = min(turns[name].device_seconds_per_call or 0.0 for turns in rounds)
        timed_layer.finish()
    assert min(device_seconds.values()) > 0
    copying_s = 2 * 2**22 / 100e9  # 4 MiB there and 4 back; memory faster than 100 GB/s would be news
    assert seconds["opencl-from-host"] > seconds["opencl"] + copying_s
    assert device_seconds["opencl-from-host"] > device_seconds["opencl"] + copying_s


@pytest.mark.alone
def test_a_queue_that_is_not_waited_for_is_refused() -> None:
    timed_layer = JudgedLayer(Unsynchronised(), threads=1)
    with pytest.raises(WrongAnswer, match=r"is not finished when sync\(\) returns"):
        timed_layer.set_up(LONG, CaseSet.of(LONG, seed=1))
        timed_layer.warm_up()
