"""The micro-kernel computes what it says, in vectors of the width that was asked for, and counts its operations."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from pointwise_bench.suites.harness.machine import fma_kernel as module
from pointwise_bench.suites.harness.machine.fma_kernel import CHAINS, LANE_BYTES, fma_kernel, processor_fuses


@pytest.mark.parametrize(
    ("dtype", "width", "operations"),
    [("float32", 16, 96), ("float32", 32, 192), ("float32", 64, 384), ("float64", 16, 48), ("float64", 64, 192)],
)
def test_a_turn_is_a_multiplication_and_an_addition_in_every_lane_of_every_chain(
    dtype: str, width: int, operations: int
) -> None:
    """12 chains; 16 bytes hold four numbers of 4 bytes or two of 8."""
    _, counted = fma_kernel(dtype, width)
    assert counted == operations
    assert width in LANE_BYTES


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("turns", [1, 2, 5])
def test_its_sum_is_that_of_the_recurrence(dtype: str, turns: int) -> None:
    """Chain i begins with i and becomes x / 2 + 1 / 4 in every turn: exact in binary for a few turns."""
    kernel, _ = fma_kernel(dtype, 16)
    values = [float(number) for number in range(CHAINS)]
    for _ in range(turns):
        values = [value * 0.5 + 0.25 for value in values]
    assert float(kernel(turns, np.dtype(dtype).type(0.5))) == sum(values)


def test_every_chain_tends_to_a_half() -> None:
    """No overflow and no denormal number, however long it runs: 12 halves."""
    kernel, _ = fma_kernel("float64", 16)
    assert float(kernel(200, 0.5)) == pytest.approx(6.0, rel=1e-12)


@pytest.mark.parametrize(
    ("features", "fuses"),
    [
        ({"sse2": True, "fma": True}, True),
        ({"sse2": True, "fma": False}, False),
        ({"sse2": True}, False),
        ({"neon": True}, True),  # 64-bit ARM always fuses
    ],
)
def test_fusing_is_an_option_of_x86_alone(
    monkeypatch: pytest.MonkeyPatch, features: dict[str, bool], fuses: bool
) -> None:
    from llvmlite import binding

    monkeypatch.setattr(binding, "get_host_cpu_features", lambda: features)
    assert processor_fuses() is fuses


def test_where_the_processor_does_not_fuse_no_library_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []

    def noted(name: str) -> Callable[[str, str], str]:
        return lambda a, b: called.append(name) or f"({a} {name} {b})"  # type: ignore[func-returns-value]  # and goes on

    builder = SimpleNamespace(fmul=noted("times"), fadd=noted("plus"))
    monkeypatch.setattr(module, "processor_fuses", lambda: False)
    assert module._multiply_add(builder, None, "x", "f", "a") == "((x times f) plus a)"
    assert called == ["times", "plus"]
