"""Who can still be the fastest, and so goes on: by the rule of the report, from the parts of a trial."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make_run import cell, run_of

from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.suites.harness.design.rounds import Share
from pointwise_bench.suites.harness.record.pass_samples import PassSamples, order_rounds, round_number
from pointwise_bench.suites.harness.run.contenders import (
    Disagreement,
    NamedLeaders,
    Parts,
    disagreement_of_starts,
    leaders,
    network_outlook,
    outlook,
    outlooks,
    undecided,
)


def parts(
    ratio: float, *, noise: float = 0.02, passes: int = 3, rounds: int = 40, seed: int = 1
) -> dict[int, PassSamples]:
    generator = np.random.default_rng(seed)
    drift = np.random.default_rng(99).normal(0.0, 0.05, (passes, rounds)).cumsum()
    found = {}
    for number in range(passes):
        own = drift[number * rounds :][:rounds] + generator.normal(0.0, noise, rounds)
        samples = (1e-3 * ratio * np.exp(own)).tolist()
        found[number] = PassSamples("any", number, "", Share(rounds, 4, 60), samples)
    return found


def network_leaders(trials: Sequence[tuple[Parts, int]], known: Disagreement | None = None) -> NamedLeaders:
    return network_outlook(trials, known or Disagreement()).leaders


def test_nobody_and_one_alone_are_settled() -> None:
    assert undecided({}) == 0
    assert undecided({"a": parts(1.0)}) == 0


def test_clear_differences_and_proven_equality_are_settled() -> None:
    assert undecided({"a": parts(1.0), "b": parts(1.2, seed=2), "c": parts(1.5, seed=3)}) == 0
    assert undecided({"a": parts(1.0, noise=1e-3), "b": parts(1.001, noise=1e-3, seed=2)}) == 0


def test_pairs_that_the_noise_hides_are_counted_one_by_one() -> None:
    close = {name: parts(1.0, noise=0.3, seed=seed) for seed, name in enumerate("abc")}
    assert undecided(close) == 3
    assert undecided(close | {"far": parts(10.0, noise=0.3, seed=9)}) == 3


def test_two_rounds_settle_nothing_however_large_the_difference() -> None:
    assert undecided({"a": parts(1.0, passes=1, rounds=2), "b": parts(100.0, passes=1, rounds=2, seed=2)}) == 1


def test_rounds_are_paired_by_name_where_a_pass_is_missing() -> None:
    """One of the two was not there in pass 1: what it did in pass 2 belongs to pass 2 of the other."""
    whole, partial = parts(1.0, noise=1e-3), parts(1.1, noise=1e-3, seed=2)
    del partial[1]
    assert undecided({"a": whole, "b": partial}) == 0


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_starts_that_contradict_each_other_leave_a_pair_open(names: tuple[str, str]) -> None:
    """Every start is clear by itself, and the next one says the opposite."""
    steady = parts(1.0, noise=1e-3)
    moody = parts(1.0, noise=1e-3, seed=2)
    for number, factor in enumerate((1.06, 0.95, 1.05)):
        moody[number].samples_s = [factor * each for each in moody[number].samples_s]
    assert undecided(dict(zip(names, (steady, moody), strict=True))) == 1


# --- who leads ----------------------------------------------------------------------------------------------------


def test_leaders_have_their_names_in_whatever_order_the_parts_come() -> None:
    found = leaders({"slow": parts(1.5), "b": parts(1.001, noise=1e-3, seed=2), "a": parts(1.0, noise=1e-3, seed=3)})
    assert found.leaders == {"a", "b"}
    assert found.settled


def test_of_many_problems_each_is_judged_as_by_itself() -> None:
    """Of different backends, passes and rounds, and with none of a problem among them."""
    trials = [
        {"slow": parts(1.5), "b": parts(1.001, noise=1e-3, seed=2), "a": parts(1.0, noise=1e-3, seed=3)},
        {},
        {"a": parts(1.0, noise=0.3), "c": parts(1.02, noise=0.3, seed=2)},
        {"near": parts(1.07, passes=1, rounds=14, seed=2), "best": parts(1.0, passes=1, rounds=14)},
    ]
    known = Disagreement(first_look=1)
    found = outlooks(trials, known)
    assert found == [outlook(each, known) for each in trials]
    assert [len(each.leaders.contenders) for each in found] == [2, 0, 2, 2]


def test_nobody_leads_where_nobody_is() -> None:
    assert leaders({}).contenders == network_leaders([]).contenders == network_leaders([({}, 1)]).contenders == set()
    assert leaders({"a": parts(1.0)}).leaders == {"a"}


def test_one_start_leaves_the_near_as_contenders_and_drops_the_far() -> None:
    """7 % are within what starts may shift before anything is known of them (14 rounds, three pairs), 60 % are not.

    Three rounds of a backend that is twice as slow are enough to leave it out.
    """
    known = Disagreement(first_look=1)
    screened = {
        "best": parts(1.0, passes=1, rounds=14),
        "near": parts(1.07, passes=1, rounds=14, seed=2),
        "far": parts(1.6, passes=1, rounds=14, seed=3),
        "farther": parts(2.5, passes=1, rounds=3, seed=4),
    }
    found = leaders(screened, known)
    assert found.leaders == {"best"}
    assert found.undecided == {"near"}
    assert found.contenders == {"best", "near"}


def test_what_is_known_of_the_run_decides_who_is_dropped() -> None:
    screened = {"best": parts(1.0, passes=1, rounds=14), "near": parts(1.07, passes=1, rounds=14, seed=2)}
    assert leaders(screened, Disagreement(start_sd=0.005, first_look=1)).settled
    assert not leaders(screened, Disagreement(start_sd=0.05, first_look=1)).settled


def test_what_starts_disagree_by_is_learnt_from_all_trials() -> None:
    trials = [{"a": parts(1.0, seed=seed), "b": parts(1.0, seed=100 + seed)} for seed in range(30)]
    found = disagreement_of_starts(trials, first_look=1)
    assert found.start_sd < 0.02  # 60 starts beyond the first, the prior of 0.03 counting as 30
    assert (found.first_look, disagreement_of_starts([], first_look=3)) == (1, Disagreement())
    for trial in trials:
        for number, factor in enumerate((1.1, 0.9, 1.0)):
            trial["b"][number].samples_s = [factor * each for each in trial["b"][number].samples_s]
    assert disagreement_of_starts(trials, first_look=1).start_sd > 0.05


# --- the total of a network ---------------------------------------------------------------------------------------


def test_a_total_counts_each_layer_as_often_as_it_occurs() -> None:
    """The one is faster on the first layer and slower on the second: which of them counts more decides."""
    first = {"a": parts(1.0), "b": parts(0.5, seed=2)}
    second = {"a": parts(1.0, seed=3), "b": parts(1.5, seed=4)}
    assert network_leaders([(first, 3), (second, 1)]).leaders == {"b"}
    assert network_leaders([(first, 1), (second, 3)]).leaders == {"a"}


def test_who_lacks_a_layer_has_no_total() -> None:
    first = {"a": parts(1.0), "b": parts(0.5, seed=2)}
    assert network_leaders([(first, 1), ({"a": parts(1.0)}, 1)]).contenders == {"a"}


def test_a_total_rests_on_all_rounds_of_every_layer() -> None:
    """The layers were measured in passes of their own: no round is common to both, and each shows what it shows."""
    whole = {"a": parts(1.0, noise=1e-3), "b": parts(1.2, noise=1e-3, seed=2)}
    first = {name: {number: own[number] for number in (0, 1)} for name, own in whole.items()}
    second = {name: {2: own[2]} for name, own in whole.items()}
    found = network_leaders([(first, 1), (second, 1)], Disagreement(start_sd=0.01))
    assert found.leaders == {"a"}
    assert found.settled


def test_a_layer_on_which_two_never_met_leaves_their_totals_undecided() -> None:
    met = {"a": parts(1.0, noise=1e-3), "b": parts(1.2, noise=1e-3, seed=2)}
    apart = {"a": {0: met["a"][0]}, "b": {1: met["b"][1]}}
    found = network_leaders([(met, 1), (apart, 1)])
    assert found.leaders == {"a"}
    assert found.undecided == {"b"}


def test_a_backend_that_lacks_a_layer_counts_among_the_pairs_of_the_others() -> None:
    """As in the report: of three pairs each has a third of the error, whoever is in the total."""
    rounds = {
        name: parts(ratio, noise=1e-3, passes=1, rounds=7, seed=seed)
        for seed, (name, ratio) in enumerate((("a", 1.0), ("b", 1.2), ("c", 1.0)))
    }
    known = Disagreement(start_sd=0.0, round_sd=1.0)
    pair = {name: rounds[name] for name in "ab"}
    assert network_leaders([(pair, 1), (pair, 1)], known).settled  # 2 / 2**7 is below 0.05 / 1 ...
    assert network_leaders([(rounds, 1), (pair, 1)], known).settled  # ... and below 0.05 / 3
    many = rounds | {name: parts(1.0, noise=1e-3, passes=1, rounds=7, seed=9) for name in "defg"}
    assert not network_leaders([(many, 1), (pair, 1)], known).settled  # and not below 0.05 / 21


def test_what_is_known_of_the_run_decides_about_totals_too() -> None:
    once = {"a": parts(1.0, passes=1, rounds=17), "b": parts(1.07, passes=1, rounds=17, seed=2)}
    assert network_leaders([(once, 1), (once, 2)], Disagreement(start_sd=0.005, first_look=1)).settled
    assert not network_leaders([(once, 1), (once, 2)], Disagreement(start_sd=0.1, first_look=1)).settled


def test_the_order_in_which_the_parts_come_does_not_matter() -> None:
    first = {"c": parts(0.1, seed=3), "b": parts(1.2, seed=2), "a": parts(1.0)}
    second = {"b": parts(1.2, seed=4), "a": parts(1.0, seed=5)}
    found = network_leaders([(first, 1), (second, 1)])
    assert found.leaders == {"a"}
    assert found.settled


# --- the run and its report ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_the_report_finds_the_same_leaders(tmp_path: Path, seed: int) -> None:
    """Of each layer and of the total, after a screening and finals of some: what the run decides by, the page shows."""
    generator = np.random.default_rng(seed)
    trials = [
        {
            name: parts(
                ratio * float(np.exp(generator.normal(0, 0.05))),
                noise=0.01,
                passes=int(generator.integers(1, 5)) if ratio < 1.2 else 1,
                rounds=17 if ratio < 3 else 3,
                seed=int(generator.integers(1000)),
            )
            for name, ratio in (("a", 1.0), ("b", 1.0), ("c", 1.05), ("d", 1.5), ("e", 4.0))
        }
        for _ in range(3)
    ]
    problems = [f"n1c{channels}h8w8-o8" for channels in (8, 16, 24)]
    cells = [
        cell(name, problem, [], count=count, **_series_of(own))
        for problem, count, trial in zip(problems, (1, 5, 2), trials, strict=True)
        for name, own in trial.items()
    ]
    analysis = analyse(run_of(tmp_path, cells, first_look=1))
    known = disagreement_of_starts(trials, first_look=1)
    rows = analysis.timings.to_dict("records")
    for problem, trial in zip(problems, trials, strict=True):
        found = leaders(trial, known)
        signs = {row["backend"]: row["sign"] for row in rows if row["problem"] == problem}
        assert {name for name, sign in signs.items() if sign in ("fastest", "same")} == found.leaders
        assert {name for name, sign in signs.items() if sign == "undecided"} == found.undecided
    found = network_leaders(list(zip(trials, (1, 5, 2), strict=True)), known)
    (group,) = analysis.groups
    assert {standing.backend for standing in group.leaders} == found.leaders
    assert {standing.backend for standing in group.undecided} == found.undecided


def _series_of(own: dict[int, PassSamples]) -> dict[str, Any]:
    """The keys of a cell whose passes are these."""
    ordered = order_rounds(own)
    return {
        "status": "ok",
        "reason": "",
        "samples_s": [own[number].samples_s[place] for number, place in ordered],
        "round": [round_number(number, place) for number, place in ordered],
        "process": [own[number].process for number, _ in ordered],
        "canary_s": [1e-3] * len(ordered),
        "error_ratio": 0.5,
    }
