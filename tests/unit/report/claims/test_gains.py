"""Measured gains: the ratio of rounds that belong together, held against the prediction."""

from __future__ import annotations

from pathlib import Path

import pytest
from make_claims import PROCESS, STARTS, STRIDE, claim_line, gains_of, module

from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.claims.gains import Gain
from pointwise_bench.report.claims.shortfall import shortfall


def test_a_gain_is_the_ratio_of_rounds_that_belong_together(tmp_path: Path) -> None:
    (gain,) = gains_of(tmp_path, claim_line("stride", "a", STRIDE))
    assert (gain.ratio, gain.low, gain.high) == pytest.approx((2.5, 2.5, 2.5))
    assert (gain.expected, gain.verdict, gain.rounds, gain.starts) == (4, "faster", 15, 3)
    assert gain.against_prediction == "short of it"


@pytest.mark.parametrize(
    ("after_s", "words"), [(1.25e-3, "as predicted"), (0.5e-3, "beyond it"), (2e-3, "short of it")]
)
def test_the_prediction_is_held_against_the_interval(tmp_path: Path, after_s: float, words: str) -> None:
    steps = STRIDE | {"stride 2": {"whole": {"product": after_s}}}
    (gain,) = gains_of(tmp_path, claim_line("stride", "a", steps))
    assert gain.against_prediction == words
    assert (shortfall(gain, Roofs({}, {}, {})) is not None) == (words == "short of it")


def test_an_interval_that_holds_anything_confirms_nothing(tmp_path: Path) -> None:
    unsteady = claim_line("stride", "a", STRIDE | {"stride 2": {"whole": {"product": 1.25e-3}}})
    unsteady["samples_s"]["stride 2"] = [1e-3 * (0.5 + place % 3) for place in range(len(PROCESS))]
    (gain,) = gains_of(tmp_path, unsteady)
    assert gain.low < gain.expected < gain.high
    assert gain.against_prediction == "undecided"


def test_a_total_adds_up_all_of_its_claims_or_is_none(tmp_path: Path) -> None:
    names = tuple(f"inception-{name}" for name in ("3a", "3b"))
    both = gains_of(tmp_path, module("3a", 2.0), module("3b", 4.0), names=names)
    (total,) = [gain for gain in both if gain.title.startswith("all")]
    assert total.ratio == pytest.approx(20 / (5 + 2.5))
    assert total.starts == STARTS
    one = gains_of(tmp_path, module("3a", 2.0), names=names)
    assert not [gain for gain in one if gain.title.startswith("all")]


def test_branches_have_gains_of_their_own(tmp_path: Path) -> None:
    gains = {gain.branch: gain for gain in gains_of(tmp_path, module("3a", 2.0), names=("inception-3a",))}
    assert f"{gains['5x5'].expected:.2f}" == "9.68"
    assert gains["5x5"].ratio == pytest.approx(2.0)


def test_in_process_numbers_have_no_gain(tmp_path: Path) -> None:
    assert not gains_of(tmp_path, claim_line("stride", "a", STRIDE, isolation="in-process"))


def test_two_rounds_are_too_few_to_tell(tmp_path: Path) -> None:
    short = claim_line("stride", "a", STRIDE)
    short["process"] = [0, 1]
    short["samples_s"] = {variant: samples[:2] for variant, samples in short["samples_s"].items()}
    (gain,) = gains_of(tmp_path, short)
    assert isinstance(gain, Gain)
    assert gain.against_prediction == "too few rounds to tell"
