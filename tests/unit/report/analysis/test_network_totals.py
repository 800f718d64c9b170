"""Totals of a network and how they stand to the fastest one's, worked out by hand, for unequal passes above all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings, strategies as st
from make_run import cell, run_of

from pointwise_bench.common.formats import ROUNDS_APART
from pointwise_bench.report.analysis.comparisons import compare_run
from pointwise_bench.report.analysis.network_totals import LayerComparisons
from pointwise_bench.report.pages.run_analysis import analyse

FIRST, SECOND = "n1c64h28w28-o128", "n1c128h14w14-o64"
IN_A_PASS = 31


def passes(
    backend: str, problem: str, seconds: float, *numbers: int, speed: Any = None, **changed: Any
) -> dict[str, Any]:
    """A cell with rounds of these passes; ``speed`` is by how much the machine slowed a pass, by its number."""
    slowed = speed or {}
    rounds = [number * ROUNDS_APART + place for number in numbers for place in range(IN_A_PASS)]
    samples = [seconds * slowed.get(number, 1.0) for number in numbers for _ in range(IN_A_PASS)]
    process = [number for number in numbers for _ in range(IN_A_PASS)]
    return cell(backend, problem, samples, round=rounds, process=process, **changed)


def test_a_total_does_not_vanish_because_one_layer_got_fewer_passes(tmp_path: Path) -> None:
    """Ten passes on the first layer, one on the second: no round of nine of them is common to both."""
    cells = [passes(name, FIRST, factor, *range(10)) for name, factor in (("a", 1.0), ("b", 1.2))]
    cells += [passes(name, SECOND, factor, 0) for name, factor in (("a", 1.0), ("b", 1.2))]
    (group,) = analyse(run_of(tmp_path, cells)).groups
    first, second = group.standings
    assert first.total is not None
    assert second.total is not None
    assert (first.total.seconds, second.total.seconds) == pytest.approx((2.0, 2.4))
    assert second.behind is not None
    assert second.behind.ratio == pytest.approx(1.2)


def test_totals_stand_to_each_other_as_the_pairs_although_one_has_met_a_slower_machine(tmp_path: Path) -> None:
    """The loser had pass 0 alone, when the machine was quick; the medians of the best are of nine slow passes."""
    slow = dict.fromkeys(range(1, 10), 2.0)
    cells = [passes("best", one, 1.0, *range(10), speed=slow) for one in (FIRST, SECOND)]
    cells += [passes("loser", one, 1.5, 0) for one in (FIRST, SECOND)]
    (group,) = analyse(run_of(tmp_path, cells)).groups
    best, loser = group.standings
    assert (best.backend, best.sign) == ("best", "fastest")
    assert best.total is not None
    assert loser.total is not None
    # Sums of medians would be 4 s for the best and 3 s for the loser.
    assert (best.total.seconds, loser.total.seconds) == pytest.approx((4.0, 6.0))


def test_a_problem_that_is_two_layers_has_one_error(tmp_path: Path) -> None:
    """Its interval in a total of nothing else is its own, and not narrower as of two layers that err apart."""
    wander = np.tile([1.0, 1.04], 16)
    also = [{"group": "tinynet", "name": "again", "count": 1}]
    cells = [cell("a", FIRST, np.ones(32), also=also), cell("b", FIRST, 2 * wander, also=also)]
    run = run_of(tmp_path, cells)
    (group,) = analyse(run).groups
    (pair,) = compare_run(run).to_dict("records")
    assert group.standings[1].behind == pytest.approx((pair["ratio"], pair["low"], pair["high"]))


def test_pairs_without_a_common_round_are_known_to_be_unknown(tmp_path: Path) -> None:
    cells = [passes("a", FIRST, 1.0, 0), passes("b", FIRST, 2.0, 1)]
    run = run_of(tmp_path, cells)
    ratios = LayerComparisons(compare_run(run)).ratios([FIRST, SECOND], 1, ["a", "b"])
    assert np.isnan(ratios.middle).all()
    assert not ratios.decidable.any()
    (group,) = analyse(run).groups
    assert [standing.sign for standing in group.standings] == ["fastest", "undecided"]


SHARES = st.lists(st.integers(1, 6), min_size=2, max_size=2)


# 60 runs: three backends, two layers, each with passes of its own number and a machine whose speed wanders from pass to
# pass by up to a factor of four. Planted: it fails where totals are sums of medians. An example is
# small as it is, and is not made smaller, which takes minutes.
@settings(max_examples=60, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    st.lists(SHARES, min_size=3, max_size=3),
    st.lists(st.floats(1.0, 4.0), min_size=6, max_size=6),
    st.integers(0, 2**32 - 1),
)
def test_a_headlines_ratio_lies_within_the_interval_of_the_ratio_of_the_totals_beside_it(
    tmp_path_factory: pytest.TempPathFactory, shares: list[list[int]], speeds: list[float], seed: int
) -> None:
    generator = np.random.default_rng(seed)
    speed = dict(enumerate(speeds))
    cells = []
    for name, own in zip("abc", shares, strict=True):
        for problem, number in zip((FIRST, SECOND), own, strict=True):
            made = passes(name, problem, float(generator.uniform(1.0, 3.0)), *range(number), speed=speed, count=3)
            scatter = generator.lognormal(0, 0.05, len(made["round"]))
            made["samples_s"] = (np.array(made["samples_s"]) * scatter).tolist()
            cells.append(made)
    (group,) = analyse(run_of(tmp_path_factory.mktemp("run"), cells)).groups
    best = group.standings[0].total
    assert best is not None
    for other in group.standings[1:]:
        assert other.total is not None
        assert other.behind is not None
        assert other.total.seconds / best.seconds == pytest.approx(other.behind.ratio)
        assert other.total.low / best.high <= other.behind.ratio <= other.total.high / best.low
        assert other.behind.low <= other.total.seconds / best.seconds <= other.behind.high
