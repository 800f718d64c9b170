"""The plan of the rounds: balanced, fixed beforehand, fair under drift, and within its limits."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from random import Random

import pytest

from pointwise_bench.common.verdict_rule import ALPHA
from pointwise_bench.report.statistics.order_statistics import interval_index
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.design.rounds import (
    Share,
    affordable_rounds,
    far_from_fastest,
    orders,
    shares,
)

NAMES = [f"backend-{letter}" for letter in "abcdefg"]


def block_length(size: int) -> int:
    """Rounds until the design is complete: Williams' needs the mirrored rows too where the size is odd."""
    return size if size % 2 == 0 else 2 * size


@pytest.mark.parametrize("size", range(1, 8))
@pytest.mark.parametrize("seed", range(3))
def test_over_a_block_everybody_stands_equally_often_in_every_place(size: int, seed: int) -> None:
    block = orders(NAMES[:size], block_length(size), Random(seed))
    places = Counter((place, name) for order in block for place, name in enumerate(order))
    assert set(places.values()) == {block_length(size) // size}
    assert len(places) == size * size


@pytest.mark.parametrize("size", range(2, 8))
@pytest.mark.parametrize("seed", range(3))
def test_over_a_block_everybody_stands_equally_often_behind_everybody_else(size: int, seed: int) -> None:
    block = orders(NAMES[:size], block_length(size), Random(seed))
    neighbours = Counter(pair for order in block for pair in pairwise(order))
    assert len(neighbours) == size * (size - 1)
    assert len(set(neighbours.values())) == 1


@pytest.mark.parametrize("size", range(1, 8))
@pytest.mark.parametrize("rounds", [1, 5, 25])
def test_every_round_is_one_turn_of_everybody(size: int, rounds: int) -> None:
    plan = orders(NAMES[:size], rounds, Random(1))
    assert len(plan) == rounds
    assert all(sorted(order) == NAMES[:size] for order in plan)


@pytest.mark.parametrize("seed", range(5))
def test_two_backends_take_turns_as_abba(seed: int) -> None:
    plan = orders(["a", "b"], 20, Random(seed))
    for first, second in zip(plan[::2], plan[1::2], strict=True):
        assert first == second[::-1]


def test_labels_are_shuffled_anew_for_every_block() -> None:
    """A disturbance that returns every few rounds must not always meet the same backend."""
    plan = orders(NAMES[:4], 4 * 50, Random(1))
    blocks = {tuple(map(tuple, plan[start : start + 4])) for start in range(0, len(plan), 4)}
    assert len(blocks) > 25


def test_the_order_depends_on_the_seed_and_on_nothing_else() -> None:
    assert orders(NAMES, 20, Random(7)) == orders(NAMES, 20, Random(7))
    assert orders(NAMES, 20, Random(7)) != orders(NAMES, 20, Random(8))


def test_nobody_is_a_plan_without_turns() -> None:
    """Every backend of a problem may have failed before its timing. In a process of its own: a plan may never end."""
    program = "from random import Random; import pointwise_bench.suites.harness.design.rounds as r"
    program += "; print(r.orders([], 5, Random(1)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=10)
    assert all(order == [] for order in json.loads(done.stdout))
    assert shares({}, POLICY.rounds.usual, {}) == {}
    assert affordable_rounds({}, 10.0) == POLICY.rounds.fewest


# --- shares -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds_per_call", [1e-6, 1e-4, POLICY.rounds.turn_s / 2, POLICY.rounds.turn_s])
def test_calls_fill_a_turn_whatever_one_call_takes(seconds_per_call: float) -> None:
    share = shares({"a": seconds_per_call}, POLICY.rounds.usual, {})["a"]
    assert POLICY.rounds.turn_s <= share.calls * seconds_per_call <= 2 * POLICY.rounds.turn_s + seconds_per_call
    assert share.rounds == POLICY.rounds.usual


def test_a_call_too_short_for_the_clock_does_not_become_an_endless_turn() -> None:
    assert shares({"a": 0.0}, POLICY.rounds.usual, {})["a"].calls <= 1_000_000


@pytest.mark.parametrize(
    ("seconds_per_call", "rounds"), [(0.2, POLICY.rounds.fewest), (30.0, POLICY.rounds.fewest), (0.04, 9)]
)
def test_a_slow_backend_gets_one_call_a_round_and_few_rounds_but_the_fewest(
    seconds_per_call: float, rounds: int
) -> None:
    share = shares({"slow": seconds_per_call}, POLICY.rounds.usual, {})["slow"]
    assert share.calls == 1
    assert share.rounds == rounds


def test_a_slow_backend_costs_the_fast_ones_no_round() -> None:
    plan = shares({"fast": 1e-5, "slow": 10.0}, POLICY.rounds.usual, {})
    assert (plan["fast"].rounds, plan["slow"].rounds) == (POLICY.rounds.usual, POLICY.rounds.fewest)


def test_nobody_gets_more_rounds_than_there_are() -> None:
    assert shares({"a": 1e-5, "b": 0.5}, 3, {})["b"].rounds == 3


def test_a_later_pass_keeps_the_calls_and_the_limit_of_the_first() -> None:
    """What is averaged into a sample, and which rounds a slow backend has, must be the same in all passes."""
    first = shares({"a": 1e-4, "slow": 0.3}, POLICY.rounds.usual, {})
    later = shares({"a": 5e-4, "slow": 0.01, "new": 1e-3}, POLICY.rounds.most, first)
    assert later["a"].calls == first["a"].calls
    assert later["slow"] == Share(POLICY.rounds.fewest, 1, POLICY.rounds.fewest)
    assert later["new"] == shares({"new": 1e-3}, POLICY.rounds.most, {})["new"]


@pytest.mark.parametrize(("seconds", "calls"), [(9.5e-4, 4), (1.05e-3, 4), (2.9e-3, 2), (1.7e-3, 3), (1e-4, 40)])
def test_who_joins_later_has_the_calls_of_somebody_of_like_speed(seconds: float, calls: int) -> None:
    """A control is compared with the backend behind it, which may have been grouped with others at first."""
    earlier = {"leader": Share(12, 4, 100), "slow": Share(12, 2, 100)}
    given = shares({"leader": 1e-3, "slow": 3e-3, "new": seconds}, 12, earlier)
    assert given["new"].calls == calls
    assert (given["leader"].calls, given["slow"].calls) == (4, 2)


def test_a_pass_with_few_rounds_does_not_bound_the_next_one() -> None:
    first = shares({"a": 1e-4}, POLICY.rounds.fewest, {})
    assert shares({"a": 1e-4}, POLICY.rounds.usual, first)["a"].rounds == POLICY.rounds.usual


# --- what a time budget affords -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [-5.0, 0.0, 0.01])
def test_too_little_time_still_gives_the_fewest_rounds(seconds: float) -> None:
    assert affordable_rounds({"a": 1e-4, "b": 1e-4}, seconds) == POLICY.rounds.telling


def test_three_passes_of_the_least_time_tell_twenty_backends_apart() -> None:
    """Each pair at its share of the error; two rounds to the contrary do not hide it, for slow ones all must agree."""
    pairs = 20 * 19 // 2
    assert (interval_index(POLICY.rounds.passes * POLICY.rounds.telling, ALPHA / pairs) or 0) >= 2
    assert interval_index(POLICY.rounds.passes * POLICY.rounds.fewest, ALPHA / pairs) is not None


def test_plenty_of_time_gives_no_more_than_the_most_rounds() -> None:
    assert affordable_rounds({"a": 1e-4}, 1e6) == POLICY.rounds.most


def test_more_time_never_gives_fewer_rounds() -> None:
    speeds = {"a": 1e-4, "b": 2e-2, "c": 0.7}
    afforded = [affordable_rounds(speeds, seconds / 4) for seconds in range(80)]
    assert afforded == sorted(afforded)
    assert len(set(afforded)) > 10


@pytest.mark.parametrize("speeds", [{"a": 1e-4}, {"a": 1e-4, "b": 1e-3, "c": 0.02}, {"a": 1e-4, "slow": 0.5}], ids=str)
def test_the_rounds_fit_into_the_time(speeds: dict[str, float]) -> None:
    seconds = 6.0
    rounds = affordable_rounds(speeds, seconds)
    assert POLICY.rounds.telling < rounds <= POLICY.rounds.most
    plan = shares(speeds, rounds, {})
    assert sum(share.rounds * share.calls * speeds[name] for name, share in plan.items()) <= seconds


def test_slow_backends_alone_get_the_fewest_rounds() -> None:
    assert affordable_rounds({"slow": POLICY.rounds.slow_s}, 60.0) == POLICY.rounds.fewest


# --- why all this -------------------------------------------------------------------------------------------------


class DriftingMachine:
    """A simulated clock on a machine that loses 15 % of its speed while the rounds of two backends run."""

    SPAN_S = 2 * POLICY.rounds.usual * POLICY.rounds.turn_s
    LOSS = 0.15

    def __init__(self) -> None:
        self.now_s = 0.0

    def turn(self, seconds_per_call: float, calls: int) -> float:
        """Seconds per call of one turn, which starts when the one before has ended."""
        measured = seconds_per_call * (1 + self.LOSS * self.now_s / self.SPAN_S)
        self.now_s += measured * calls
        return measured


def one_by_one(speeds: dict[str, float]) -> dict[str, list[float]]:
    machine, plan = DriftingMachine(), shares(speeds, POLICY.rounds.usual, {})
    return {name: [machine.turn(speeds[name], plan[name].calls) for _ in range(POLICY.rounds.usual)] for name in speeds}


def interleaved(speeds: dict[str, float], seed: int) -> dict[str, list[float]]:
    machine, plan = DriftingMachine(), shares(speeds, POLICY.rounds.usual, {})
    samples: dict[str, list[float]] = {name: [] for name in speeds}
    for order in orders(sorted(speeds), POLICY.rounds.usual, Random(seed)):
        for name in order:
            samples[name].append(machine.turn(speeds[name], plan[name].calls))
    return samples


@pytest.mark.parametrize("seed", range(5))
def test_interleaved_rounds_find_equal_backends_equal_while_the_machine_drifts(seed: int) -> None:
    samples = interleaved({"a": 1e-4, "b": 1e-4}, seed)
    ratio = statistics.median(a / b for a, b in zip(samples["a"], samples["b"], strict=True))
    assert abs(ratio - 1) < 0.005


def test_timing_one_after_the_other_does_not() -> None:
    """The control: on the same machine the usual way is wrong by far more than any margin."""
    samples = one_by_one({"a": 1e-4, "b": 1e-4})
    ratio = statistics.median(samples["a"]) / statistics.median(samples["b"])
    assert abs(ratio - 1) > 0.05


# --- the screening ------------------------------------------------------------------------------------------------


def test_who_is_far_from_the_fastest_takes_part_in_a_few_rounds_only_where_that_is_asked() -> None:
    far = POLICY.screening.far
    speeds = {"a": 1e-4, "near": 0.99 * far * 1e-4, "far": 1.01 * far * 1e-4}
    assert far_from_fastest(speeds) == {"far"}
    assert far_from_fastest({}) == set()
    assert {name: share.rounds for name, share in shares(speeds, 17, {}, 3).items()} == {"a": 17, "near": 17, "far": 3}
    assert {share.rounds for share in shares(speeds, 17, {}).values()} == {17}


def test_who_was_far_once_takes_part_in_every_round_of_the_finals() -> None:
    speeds = {"a": 1e-4, "far": 1e-3}
    earlier = shares(speeds, 17, {}, 3)
    assert shares(speeds, 20, earlier)["far"].rounds == 20
