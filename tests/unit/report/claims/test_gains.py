"""Measured gains: the ratio of rounds that belong together, held against the prediction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from make_claims import PROCESS, STARTS, STRIDE, claim_line, described, gains_of, halves, module, read_lines

from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.claims.gains import Gain, gains
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
    found = {gain.branch: gain for gain in gains_of(tmp_path, module("3a", 2.0), names=("inception-3a",))}
    assert f"{found['5x5'].expected:.2f}" == "9.68"
    assert found["5x5"].ratio == pytest.approx(2.0)


def test_in_process_numbers_have_no_gain(tmp_path: Path) -> None:
    assert not gains_of(tmp_path, claim_line("stride", "a", STRIDE, isolation="in-process"))


def test_two_rounds_are_too_few_to_tell(tmp_path: Path) -> None:
    short = claim_line("stride", "a", STRIDE)
    short["process"] = [0, 1]
    short["samples_s"] = {variant: samples[:2] for variant, samples in short["samples_s"].items()}
    (gain,) = gains_of(tmp_path, short)
    assert isinstance(gain, Gain)
    assert gain.against_prediction == "too few rounds to tell"


# --- claims described by hand -------------------------------------------------------------------------------------


def test_every_claim_has_its_whole_and_its_branches_in_order_and_totals_come_last(tmp_path: Path) -> None:
    claims = [described("one", total="both"), described("two", total="both")]
    lines = [halves(name, backend, 0.5e-3, 0.25e-3) for name in ("two", "one") for backend in ("b", "a")]
    found = [(gain.title, gain.backend, gain.branch) for gain in gains(read_lines(tmp_path, claims, *lines))]
    assert found == [
        *((f"{name}{words}", backend, branch)
          for name in ("one", "two") for backend in ("b", "a")
          for words, branch in (("", None), (", left branch", "left"), (", right branch", "right"))),
        ("both", "b", None),
        ("both", "a", None),
    ]  # fmt: skip


def test_a_gain_is_the_baselines_time_over_the_variants(tmp_path: Path) -> None:
    """2 ms against 0.75 ms; of the branches 1 ms against 0.5 and 0.25 ms."""
    read = read_lines(tmp_path, [described("one")], halves("one", "a", 0.5e-3, 0.25e-3))
    whole, left, right = gains(read)
    assert [gain.ratio for gain in (whole, left, right)] == pytest.approx([2 / 0.75, 2.0, 4.0])
    assert whole.predicted == {"activations": 2.0, "parameters": 2.0, "macs": 2.0, "bytes": 1.6}
    assert (whole.expected, whole.variant, whole.threads) == (2.0, "half", 1)
    assert [gain.against_prediction for gain in (whole, left, right)] == ["beyond it", "as predicted", "beyond it"]
    assert whole.of_one(read.claims[0])


def test_the_expected_gain_is_by_the_claims_own_measure(tmp_path: Path) -> None:
    read = read_lines(tmp_path, [described("one", by="bytes")], halves("one", "a", 0.5e-3, 0.5e-3))
    assert {gain.expected for gain in gains(read)} == {1.6}


def test_each_further_way_is_held_against_the_first(tmp_path: Path) -> None:
    claim = described("one")
    claim["variants"].append({"name": "quarter", "branches": {"left": [["product", "n1c8h4w4-o4"]]}})
    line = halves("one", "a", 0.5e-3, 0.5e-3)
    line["samples_s"]["quarter"] = [one / 8 for one in line["samples_s"]["whole"]]
    line["branches_s"]["quarter"] = {"left": line["samples_s"]["quarter"]}
    line["steps_s"] = line["steps_s"] | {"quarter": {"left": {"product": 0.25e-3}}}
    found = [gain for gain in gains(read_lines(tmp_path, [claim], line)) if gain.branch is None]
    assert [(gain.variant, gain.expected) for gain in found] == [("half", 2.0), ("quarter", 8.0)]
    assert [gain.ratio for gain in found] == pytest.approx([2.0, 8.0])


def test_a_branch_that_one_way_has_not_has_no_gain(tmp_path: Path) -> None:
    line = halves("one", "a", 0.5e-3, 0.5e-3)
    del line["branches_s"]["half"]["right"]
    found = gains(read_lines(tmp_path, [described("one")], line))
    assert [gain.branch for gain in found] == [None, "left"]


def test_a_total_is_of_each_backend_and_thread_budget_that_has_all_of_its_claims(tmp_path: Path) -> None:
    """The halves take 0.5 + 1 ms and 0.5 + 0.5 ms, of 2 ms each: 4 ms over 2.5 ms."""
    claims = [described("one", total="both"), described("two", total="both"), described("three")]
    lines = [halves("one", "a", 0.5e-3, 1e-3), halves("two", "a", 0.5e-3, 0.5e-3), halves("three", "a", 1e-3, 1e-3)]
    lines += [halves("one", "b", 0.5e-3, 1e-3), halves("two", "b", 1e-3, 1e-3, isolation="in-process")]
    lines += [halves("one", "a", 0.5e-3, 1e-3, threads=2)]
    read = read_lines(tmp_path, claims, *lines)
    (total,) = [gain for gain in gains(read) if gain.title == "both"]
    assert (total.backend, total.threads, total.branch, total.variant) == ("a", 1, None, "half")
    assert total.ratio == pytest.approx(4 / 2.5)
    assert total.expected == 2.0
    assert (total.rounds, total.starts) == (15, 3)
    assert [result.claim.name for result in total.results] == ["one", "two"]
    assert not total.of_one(read.claims[0])


def test_a_total_adds_up_the_rounds_that_all_of_its_claims_have(tmp_path: Path) -> None:
    """In the second claim the last start is missing, and the worker of the second was replaced: 10 rounds are left."""
    claims = [described("one", total="both"), described("two", total="both")]
    short = halves("two", "a", 0.5e-3, 0.5e-3, process=[0] * 5 + [9] * 5)
    for series in (short["samples_s"], *short["branches_s"].values()):
        for name in series:
            series[name] = series[name][:10]
    (total,) = [
        gain
        for gain in gains(read_lines(tmp_path, claims, halves("one", "a", 0.5e-3, 0.5e-3), short))
        if gain.title == "both"
    ]
    assert (total.rounds, total.starts) == (10, 2)
    assert total.ratio == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        # 2 is predicted; the interval is widened by 2 % to both sides.
        (1.5, 1.9607, "short of it"),
        (1.5, 1.9608, "undecided"),
        (1.6, 1.9999, "as predicted"),
        (1.6, 2.0001, "undecided"),  # its ends are more than a quarter apart
        (2.0399, 2.1, "as predicted"),
        (2.0401, 2.1, "beyond it"),
    ],
)
def test_a_prediction_is_confirmed_by_a_narrow_interval_alone(
    tmp_path: Path, low: float, high: float, words: str
) -> None:
    (gain, *_) = gains(read_lines(tmp_path, [described("one")], halves("one", "a", 0.5e-3, 0.5e-3)))
    assert replace(gain, low=low, high=high).against_prediction == words
    assert replace(gain, low=low, high=high, verdict="few").against_prediction == "too few rounds to tell"
