"""A variant made ready with a backend: right on every shape, in steps that are told apart, and void with any fault."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import pytest
from small_claims import BACKENDS, SHAPES, measured, small_claim

from pointwise_bench.backends import Problem, registry
from pointwise_bench.suites.claims import Claim, Patches, get
from pointwise_bench.suites.claims.patches import Gather, packed
from pointwise_bench.suites.harness.claims import composition as composition_module, timed_claim
from pointwise_bench.suites.harness.claims.claim_inputs import ClaimInputs
from pointwise_bench.suites.harness.claims.composition import Composition
from pointwise_bench.suites.harness.record.ended import WrongAnswer


@pytest.fixture(autouse=True)
def round_of_any_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is slow is not left out: on a machine with other work a round of plain loops took 0.68 s, over 0.5 s."""
    monkeypatch.setattr(timed_claim, "LONGEST_ROUND_S", math.inf)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("size", "layout", "stride"), SHAPES)
def test_a_composed_convolution_is_within_the_gates_bound(backend: str, size: int, layout: str, stride: int) -> None:
    result = measured(small_claim(size, layout, stride), backend)
    assert result.refusal == ""
    assert result.error_ratio is not None
    assert 0 < result.error_ratio <= 1


def test_steps_are_told_apart_and_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that goes on by 0.1 ms whenever it is read, which makes that every step's time.

    Behind its 1x1 product the reduced variant has a crossing, patches, another crossing and another product.
    """
    ticks = count()
    monkeypatch.setattr(composition_module, "perf_counter", lambda: next(ticks) * 1e-4)
    result = measured(small_claim(3, "nchw", 1), "torch-conv2d")
    for variant, expected in (
        ("direct", {"patches": 1e-4, "crossing": 1e-4, "product": 1e-4}),
        ("reduced", {"product": 2e-4, "crossing": 2e-4, "patches": 1e-4}),
    ):
        assert list(result.steps_s[variant]["whole"]) == list(expected)
        assert result.steps_s[variant]["whole"] == pytest.approx(expected)
        assert result.samples_s[variant] == pytest.approx([sum(expected.values())] * len(result.samples_s[variant]))


@pytest.mark.parametrize("backend", ["numpy-matmul", "torch-conv2d"])
def test_two_products_in_a_row_hand_on_the_backends_own_array(backend: str) -> None:
    assert list(measured(get("mlpconv-2"), backend).steps_s["ReLU in the same call"]["whole"]) == ["product"]


def test_another_input_is_computed_with_from_then_on() -> None:
    """Twice the input of a layer without a bias is twice the result."""
    claim = small_claim(3, "nchw", 1)
    inputs = ClaimInputs.of(claim, seed=1)
    composition = Composition(registry.get("numpy-matmul"), 1, claim.variants[0], inputs)
    composition.run()
    before = np.array(dict(composition.results())["whole"])
    composition.with_input(2 * inputs.x)
    composition.run()
    np.testing.assert_allclose(dict(composition.results())["whole"], 2 * before, rtol=1e-5)


def test_seconds_are_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = count()
    monkeypatch.setattr(composition_module, "perf_counter", lambda: float(next(ticks)))
    claim = small_claim(3, "nchw", 1)
    composition = Composition(registry.get("numpy-matmul"), 1, claim.variants[0], ClaimInputs.of(claim, seed=1))
    composition.run()
    composition.run()
    assert {seconds for _, seconds in composition.take_seconds()} == {2.0}
    assert {seconds for _, seconds in composition.take_seconds()} == {0.0}


# --- planted faults -------------------------------------------------------------------------------------------------


class WrongOrder(Gather):
    """Patches from the last to the first, in a product that expects them from the first to the last."""

    def __call__(self, x: Any) -> Any:  # noqa: D102
        found = super().__call__(x)
        return np.ascontiguousarray(found[:, ::-1] if self.nchw else found[..., ::-1])

    def __init__(self, patches: Patches, dtype: str = "float32") -> None:
        super().__init__(patches, dtype)
        self.nchw = patches.layout == "nchw"


class StrideIgnored(Gather):
    """The first windows at stride 1, as many as the stride should give."""

    def __init__(self, patches: Patches, dtype: str = "float32") -> None:
        self._whole = Gather(replace(patches, stride=1), dtype)
        self._kept = (slice(patches.out_height), slice(patches.out_width))
        self._nchw = patches.layout == "nchw"

    def __call__(self, x: Any) -> Any:  # noqa: D102
        found = self._whole(x)
        return np.ascontiguousarray(found[(..., *self._kept)] if self._nchw else found[(slice(None), *self._kept)])


def first_place_only(kernel: Any) -> Any:
    """The sum over the window is skipped: all weights but those of its first place, and half of the channels, are 0."""
    weight = np.array(packed(kernel))
    weight[:, max(1, kernel.shape[1] // 2) :] = 0
    return weight


def without_reduction(self: Composition, problem: Problem, weight: Any) -> Any:
    """The 1x1 reduction is not done: the first channels go on as they are."""
    if problem.out_channels != 3:
        return LAYER(self, problem, weight)
    sync = self._backend.sync
    nchw = problem.layout == "nchw"

    def layer(x: Any) -> Any:
        sync()
        return x[:, :3] if nchw else x[..., :3]

    return layer


LAYER = Composition._layer

FAULTS = {
    "patches in the wrong order": ("Gather", WrongOrder),
    "the sum over the window skipped": ("packed", first_place_only),
    "the stride ignored": ("Gather", StrideIgnored),
}


def refusal(claim: Claim, backend: str) -> str:
    """With which words a claim is void; empty where it is measured."""
    try:
        measured(claim, backend)
    except WrongAnswer as wrong:
        return str(wrong)
    return ""


@pytest.mark.parametrize("exact", [False, True], ids=["reals", "integers"])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_voids_the_claim(
    monkeypatch: pytest.MonkeyPatch, backend: str, fault: str, exact: bool
) -> None:
    """On every shape: a claim each is milliseconds, and a test each would double them."""
    monkeypatch.setattr(composition_module, *FAULTS[fault])
    # A stride of 1 leaves nothing to ignore.
    shapes = [shape for shape in SHAPES if fault != "the stride ignored" or shape[2] > 1]
    assert [shape for shape in shapes if not refusal(small_claim(*shape, exact=exact), backend)] == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_reduction_that_is_skipped_voids_the_claim(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    monkeypatch.setattr(Composition, "_layer", without_reduction)
    assert [shape for shape in SHAPES if "reduced" not in refusal(small_claim(*shape), backend)] == []
