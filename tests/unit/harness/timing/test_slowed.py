"""A backend that is slower by a known share, and the same in everything else."""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
import pytest

from pointwise_bench import Problem, get
from pointwise_bench.suites.harness.timing.slowed import Slowed

PROBLEM = Problem(batch=1, in_channels=64, out_channels=64, height=14, width=14)


class Sleeps:
    """As much of a backend as is slowed: a layer that takes two milliseconds."""

    name, device, output, dtypes, arithmetic, directions = "sleeps", "cpu", "fresh", ("float32",), "own", ("forward",)

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """The layer."""
        return lambda x: time.sleep(2e-3)

    def to_device(self, array: Any) -> Any:
        """As it is."""
        return array

    def sync(self) -> None:
        """Nothing to wait for."""


def median_s(layer: Any, x: Any) -> float:
    seconds = []
    for _ in range(21):
        began = time.perf_counter()
        layer(x)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


@pytest.mark.alone
def test_each_call_takes_the_share_longer() -> None:
    x = np.zeros(PROBLEM.input_shape, "float32")
    plain, slower = (Slowed(Sleeps(), percent).prepare(PROBLEM, None, None, 1) for percent in (0, 50))  # type: ignore[arg-type]
    assert 1.3 < median_s(slower, x) / median_s(plain, x) < 1.7


def test_the_wait_is_a_share_of_the_call_that_it_follows() -> None:
    """And not of earlier ones: workers of several threads have begun with calls that took 37 times as long."""

    class Quickens(Sleeps):
        """Its first calls take 40 ms, later ones none."""

        def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
            """A layer that counts its calls."""
            seconds = iter([0.04] * 30)
            return lambda x: time.sleep(next(seconds, 0.0))

    layer = Slowed(Quickens(), 50).prepare(PROBLEM, None, None, 1)  # type: ignore[arg-type]
    for _ in range(30):
        layer(None)
    assert median_s(layer, None) < 0.01


def test_what_goes_on_after_a_call_counts_as_its_time() -> None:
    class Later(Sleeps):
        """Hands out a result that is there once it is waited for."""

        def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
            """Nothing is computed by the call itself."""
            return lambda x: None

        def sync(self) -> None:
            """What was asked for takes 20 ms."""
            time.sleep(0.02)

    layer = Slowed(Later(), 50).prepare(PROBLEM, None, None, 1)  # type: ignore[arg-type]
    assert median_s(layer, None) >= 0.03


def test_without_a_share_it_is_the_very_layer() -> None:
    class One(Sleeps):
        """Keeps its layer."""

        layer = staticmethod(lambda x: x)

        def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
            """The one that it keeps."""
            return self.layer

    assert Slowed(One(), 0).prepare(PROBLEM, None, None, 1) is One.layer  # type: ignore[arg-type]


def test_it_answers_as_the_original_does() -> None:
    original = get("numpy-matmul")
    slowed = Slowed(original, 5)
    rng = np.random.default_rng(1)
    weight, x = (rng.standard_normal(shape).astype("float32") for shape in ((64, 64), PROBLEM.input_shape))
    expected = original.prepare(PROBLEM, weight, None, 1)(x)
    assert np.array_equal(slowed.to_numpy(slowed.prepare(PROBLEM, weight, None, 1)(slowed.to_device(x))), expected)
    assert slowed.missing() is original.missing()
    assert slowed.refuses(PROBLEM) is None
    assert (slowed.name, slowed.device, slowed.output) == (original.name, original.device, original.output)
    assert slowed.device_timer() is None
    slowed.sync()
    assert slowed.ran() == original.ran()
