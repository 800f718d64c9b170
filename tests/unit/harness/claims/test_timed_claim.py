"""One backend and one claim: checked before and after, timed in turns, refused where it must be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from small_claims import measured, small_claim

from pointwise_bench.backends import Problem, registry
from pointwise_bench.suites.claims import Variant, get
from pointwise_bench.suites.harness.claims.claim_inputs import ClaimInputs
from pointwise_bench.suites.harness.claims.composition import Composition
from pointwise_bench.suites.harness.claims.timed_claim import ClaimSamples, TimedClaim
from pointwise_bench.suites.harness.record.ended import WrongAnswer


def test_a_layer_that_looks_at_a_neighbour_is_not_local(monkeypatch: pytest.MonkeyPatch) -> None:
    """Right for the claim's own input, so that only the changed pixel shows it."""
    real = Composition.with_input

    def smeared(self: Composition, x: Any) -> None:
        moved = np.array(x)
        moved[:, :, 1:] += moved[:, :, :-1] - np.asarray(self._inputs.x)[:, :, :-1]
        real(self, moved)

    monkeypatch.setattr(Composition, "with_input", smeared)
    with pytest.raises(WrongAnswer, match="changes 2 pixels"):
        measured(get("channels-only"), "numpy-matmul")


def test_a_result_that_changes_during_the_timing_voids_the_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Composition.run

    def tiring(self: Composition) -> None:
        run(self)
        calls = self.__dict__["calls"] = self.__dict__.get("calls", 0) + 1
        if calls > 3:
            for branch in self.branches:
                branch.result = branch.result * 2

    monkeypatch.setattr(Composition, "run", tiring)
    with pytest.raises(WrongAnswer, match="in the last timed call"):
        measured(small_claim(3, "nchw", 1), "numpy-matmul")


def test_only_branches_that_differ_are_kept_round_by_round() -> None:
    """Of a module of Inception, the two branches whose work the reduction changes; measured on a small one."""
    assert get("inception-5a").alike == {"1x1", "pool"}
    chains = {variant.name: variant.branches["whole"] for variant in small_claim(3, "nchw", 1).variants}
    same = (Problem(batch=2, in_channels=6, out_channels=2, height=7, width=5),)
    variants = tuple(Variant(name, {"1x1": same, "3x3": chain}) for name, chain in chains.items())
    claim = replace(small_claim(3, "nchw", 1), variants=variants)
    assert claim.alike == {"1x1"}
    result = measured(claim, "numpy-matmul")
    assert {variant: set(branches) for variant, branches in result.branches_s.items()} == {
        "direct": {"3x3"},
        "reduced": {"3x3"},
    }
    for variant, samples in result.samples_s.items():
        assert len(result.branches_s[variant]["3x3"]) == len(samples)
        assert all(part < whole for part, whole in zip(result.branches_s[variant]["3x3"], samples, strict=True))


def test_what_a_backend_refuses_is_a_refusal_with_the_stage_and_the_reason() -> None:
    """Before anything is drawn or computed: the inputs of this claim would take seconds."""
    unread = ClaimInputs(get("resnet-block"), np.empty(0), {}, {}, {})
    result = TimedClaim(registry.get("naive-loops"), 1, unread).measure(0.0, seed=1)
    assert result.refusal.startswith("two 3x3, n1c2304h56w56-o256: pure Python is predicted")
    assert result.samples_s == {}


def test_what_takes_too_long_is_refused_by_the_harness(monkeypatch: pytest.MonkeyPatch) -> None:
    from pointwise_bench.suites.harness.claims import timed_claim as timed_claim_module

    monkeypatch.setattr(timed_claim_module, "LONGEST_ROUND_S", 1e-9)
    assert "none is timed" in measured(small_claim(3, "nchw", 1), "numpy-matmul").refusal


def test_an_answer_that_no_worker_sent_is_refused() -> None:
    claim = get("stride")
    every: tuple[Any, ...] = (
        None,
        [],
        {},
        ClaimSamples().written() | {"samples_s": {"x": []}},
        ClaimSamples().written() | {"refusal": 5},
    )
    for values in every:
        with pytest.raises(ValueError):
            ClaimSamples.read(values, claim)


def test_samples_survive_the_way_from_a_worker() -> None:
    claim = small_claim(3, "nchw", 1)
    samples = measured(claim, "numpy-matmul")
    assert ClaimSamples.read(samples.written(), claim) == samples
    refused = ClaimSamples(refusal="too large")
    assert ClaimSamples.read(refused.written(), claim) == refused


def test_every_variant_has_a_turn_in_every_round() -> None:
    claim = small_claim(3, "nchw", 1)
    samples = measured(claim, "numpy-matmul")
    assert samples.samples_s.keys() == samples.calls.keys() == samples.steps_s.keys() == {"direct", "reduced"}
    lengths = {len(each) for each in samples.samples_s.values()} | {len(samples.smallest_call_s)}
    assert lengths == {6}  # the fewest, where no time was given
    assert all(seconds > 0 for each in samples.samples_s.values() for seconds in each)
    assert all(calls >= 1 for calls in samples.calls.values())
