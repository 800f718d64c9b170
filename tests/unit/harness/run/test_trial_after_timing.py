"""One trial, after the timing: whose times are void, whose clock is doubted, and what is kept. Clients are scripted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from math import ceil
from types import SimpleNamespace
from typing import Any

import pytest
from scripted_trial import (
    CALL_S,
    PROBLEM,
    ROUNDS,
    ScriptedClient,
    ScriptedPool,
    ends_of,
    parts_of,
    trial_of,
)

from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.machine.ceilings import Ceilings
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.run import trial
from pointwise_bench.suites.harness.run.trial import TrialResult
from pointwise_bench.suites.harness.timing import held_clock
from pointwise_bench.suites.harness.timing.clock import Turn
from pointwise_bench.suites.harness.timing.timed_layer import WarmUp


def test_more_processor_time_than_the_budget_voids_the_times() -> None:
    greedy = {"turn": lambda number: Turn(CALL_S, 1.95, 1.0, None)}
    within = {"turn": lambda number: Turn(CALL_S, 1.05, 1.0, None)}
    result = trial_of(ScriptedPool(greedy=greedy, within=within)).run()
    ended = ends_of(result)["greedy"]
    assert ended.status == "failed"
    assert "used 1.95 CPU seconds per second on a budget of 1 thread:" in ended.reason
    part = parts_of(result)["within"]
    assert part.cpu_s / part.wall_s == pytest.approx(1.05)


def beyond_its_budget(on_all_cores: float) -> tuple[ScriptedPool, Callable[[], TrialResult]]:
    """A backend that used 1.9 cores in its warm-up, 1.0 in turns on one core, and so many in a turn on all of them."""

    def turn(number: int) -> Turn:
        kept_to = pool.slots["a"].client.turns[-1][2]  # type: ignore[union-attr]
        return Turn(CALL_S, on_all_cores if kept_to is None else 1.0, 1.0, None)

    pool = ScriptedPool(a={"warm_up": lambda number: WarmUp(CALL_S, 1.9), "turn": turn})
    return pool, trial_of(pool, cores=[0]).run


def test_the_warm_up_proves_the_budget_where_the_turns_are_kept_to_its_cores() -> None:
    """Two threads on one core use one CPU second per second, and look like one."""
    _, run = beyond_its_budget(1.8)
    ended = ends_of(run())["a"]
    assert ended.status == "failed"
    assert "used 1.80 CPU seconds per second on a budget of 1 thread:" in ended.reason


def test_of_several_warm_ups_the_one_that_used_most_counts_against_the_budget() -> None:
    """A second one is asked for where the first was slow, and not to forgive what that one used."""
    pool, _ = beyond_its_budget(1.8)
    ups = [WarmUp(8 * CALL_S, 1.9), WarmUp(CALL_S, 1.0)]
    pool.scripts["a"]["warm_up"] = ups.__getitem__
    ended = ends_of(trial_of(pool, cores=[0], known_s={"a": CALL_S}).run())["a"]
    assert "used 1.80 CPU seconds per second on a budget of 1 thread:" in ended.reason


def test_a_warm_up_beyond_the_budget_does_not_void_a_backend_that_keeps_to_it_in_a_long_turn() -> None:
    pool, run = beyond_its_budget(1.0)
    part = parts_of(run())["a"]
    assert part.cpu_s / part.wall_s == pytest.approx(1.0)
    turns = pool.slots["a"].client.turns  # type: ignore[union-attr]
    assert [cores for _, _, cores in turns].count(None) == 1
    assert turns[-1][0] == POLICY.acceptance.long_turn * part.calls


def test_a_time_below_what_the_machine_can_do_is_wrong() -> None:
    least_s = PROBLEM.flops / 1e12
    ceilings = Ceilings("before", 1, {"float32": 1e12, "float64": 5e11}, 1e10, [])
    replay = {"turn": lambda number: Turn(least_s / 100, 1.0, 1.0, None)}
    fast = {"turn": lambda number: Turn(least_s / 2, 1.0, 1.0, None)}  # the peak itself may be off by as much
    pool = ScriptedPool(replay=replay, fast=fast, elsewhere=replay)
    pool.devices["elsewhere"] = "cuda"  # the ceilings are the processor's
    result = trial_of(pool, ceilings=ceilings).run()
    assert ends_of(result).keys() == {"replay"}
    assert ends_of(result)["replay"].status == "wrong"
    assert ends_of(result)["replay"].reason.startswith("impossibly fast")
    assert parts_of(result).keys() == {"fast", "elsewhere"}


def test_a_peak_that_was_measured_in_a_bad_moment_convicts_nobody() -> None:
    """The canary was quicker in one of the rounds than that peak, so that the machine can do more."""
    pool = ScriptedPool(a={"turn": lambda number: Turn(1e-5, 1.0, 1.0, None)})
    ceilings = Ceilings("before", 1, {"float32": 1e6, "float64": 5e5}, 1e10, [])
    quick = SimpleNamespace(work_s=lambda threads, cores: 1e-4)
    assert parts_of(trial_of(pool, ceilings=ceilings, canary=quick).run()).keys() == {"a"}
    slow = SimpleNamespace(work_s=lambda threads, cores: 100.0)
    assert ends_of(trial_of(pool, ceilings=ceilings, canary=slow).run())["a"].reason.startswith("impossibly fast")


class Slept(ScriptedClient):
    """Whose calls really take their time, of which it tells a ``share``, and whose answers come ``late_s`` later."""

    share, late_s = 1.0, 0.0

    def turn(self, calls: int, warm_s: float, cores: list[int] | None, timeout_s: float) -> Turn:
        """One round."""
        self.asked = [*getattr(self, "asked", []), calls]
        time.sleep(calls * CALL_S + self.late_s)
        return Turn(self.share * CALL_S, 1.0, self.share * calls * CALL_S, None)


@pytest.mark.parametrize("late_s", [0.015, 0.0])
def test_a_clock_whose_answers_are_late_is_not_wrong(late_s: float) -> None:
    """A backend whose own idle threads spin on every core answers some milliseconds late, turn after turn."""
    pool = ScriptedPool(a={})
    client = Slept("a", pool.requests)
    client.late_s = late_s
    pool.slot("a", 1).client = client  # type: ignore[assignment]
    assert parts_of(trial_of(pool).run()).keys() == {"a"}


class LateAtFirst(Slept):
    """Every answer of which is late by what a busy machine may delay it, several times as long as a long turn."""

    late_s = 0.1


def test_a_delay_that_does_not_grow_with_the_turn_convicts_no_clock() -> None:
    """The first turn that looks into the doubt has 16 times the calls and is far too short; others follow."""
    pool = ScriptedPool(a={})
    client = LateAtFirst("a", pool.requests)
    pool.slot("a", 1).client = client  # type: ignore[assignment]
    assert parts_of(trial_of(pool).run()).keys() == {"a"}
    assert client.asked[-1] > client.asked[-2] > client.asked[0]


def test_a_clock_that_hides_a_share_of_the_time_is_convicted_by_seconds_and_several_turns() -> None:
    """All that is said of one such trial is asked here: it takes a second and a half of real turns."""
    pool = ScriptedPool(a={})
    client = Slept("a", pool.requests)
    client.share = 0.1
    pool.slot("a", 1).client = client  # type: ignore[assignment]
    rule = POLICY.acceptance
    ended = ends_of(trial_of(pool).run())["a"]
    assert ended.status == "wrong"
    assert ended.reason.startswith("its clock is wrong: a turn of")
    assert sum(calls * CALL_S >= rule.telling_turn_s for calls in client.asked) == rule.telling_turns


def test_a_machine_on_which_no_turn_is_long_enough_is_too_busy_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = ScriptedPool(a={})
    client = Slept("a", pool.requests)
    client.share = 0.1
    pool.slot("a", 1).client = client  # type: ignore[assignment]
    rule = replace(POLICY.acceptance, telling_turn_s=1e6, closely_telling_turn_s=1e6, long_turn=2, most_long_turns=2)
    monkeypatch.setattr(held_clock, "RULE", rule)
    ended = ends_of(trial_of(pool).run())["a"]
    assert (ended.status, ended.reason) == ("failed", "the machine was too busy to tell whether its clock is right")


def test_threads_that_spin_for_ever_are_told_from_those_that_wait_for_a_next_call() -> None:
    looks = {"ever": [1.0, 1.0, 1.0], "long": [1.0, 1.0, 0.0], "a_while": [1.0, 0.0], "never": [0.0]}
    scripts: dict[str, dict[str, Callable[[int], Any]]] = {
        name: {"idle": seen.__getitem__} for name, seen in looks.items()
    }
    pool = ScriptedPool(**scripts)
    result = trial_of(pool).run()
    assert (
        ends_of(result)["ever"].reason == "threads of its own ask for 1.00 CPU seconds per second while nobody calls it"
    )
    rest = ["long", "a-while", "never"]
    assert parts_of(result).keys() == set(rest)
    trial_of(pool, backends=rest).run()  # a backend that was seen to rest is not watched on the next problem
    watched = Counter(name for request, name in pool.requests if request == "idle")
    assert watched == {name.replace("_", "-"): len(seen) for name, seen in looks.items()}


def test_who_does_not_rest_beside_others_is_watched_alone_before_it_is_ended() -> None:
    """All are watched at once; whose threads are slow to rest on cores that others use is not at fault."""
    spins: dict[str, Callable[[int], Any]] = {"idle": [1.0, 1.0, 0.0].__getitem__}
    pool = ScriptedPool(a=spins, b=spins)
    assert parts_of(trial_of(pool).run()).keys() == {"a", "b"}
    after = [(request, name) for request, name in pool.requests if request in ("idle", "finish")][4:]
    assert after == [("idle", "a"), ("finish", "a"), ("idle", "b"), ("finish", "b")]


def test_who_dies_while_it_is_watched_leaves_the_trial() -> None:
    gone = Ended("crashed", "killed by SIGSEGV", alive=False)
    result = trial_of(ScriptedPool(a={"idle": lambda number: gone}, b={})).run()
    assert ends_of(result) == {"a": gone}
    assert parts_of(result).keys() == {"b"}


def test_the_devices_series_is_kept_beside_the_hosts() -> None:
    pool = ScriptedPool(a={"turn": lambda number: Turn(2e-3, 1.0, 1.0, 1e-3)}, b={})
    parts = parts_of(trial_of(pool).run())
    assert parts["a"].device_samples_s == [1e-3] * ROUNDS
    assert parts["a"].samples_s == [2e-3] * ROUNDS
    assert parts["b"].device_samples_s == []


def test_page_faults_are_added_up_where_they_are_counted() -> None:
    counting = {"turn": lambda number: Turn(CALL_S, 1.0, 1.0, None, page_faults=number)}
    parts = parts_of(trial_of(ScriptedPool(counting=counting, silent={})).run())
    assert parts["counting"].page_faults == sum(range(ROUNDS))
    assert parts["silent"].page_faults is None


def test_samples_keep_the_digits_that_the_clock_has() -> None:
    parts = parts_of(trial_of(ScriptedPool(a={"turn": lambda number: Turn(1.23456789012e-4, 1.0, 1.0, None)})).run())
    assert parts["a"].samples_s[0] == pytest.approx(1.23456789012e-4, rel=1e-6)


def test_a_part_holds_what_was_measured_before_and_after_the_rounds() -> None:
    part = parts_of(trial_of(ScriptedPool(a={})).run())["a"]
    assert (part.prepare_s, part.first_call_s, part.error_ratio, part.peak_rss_bytes) == (0.1, 0.01, 0.5, 10**8)
    assert part.calls == ceil(POLICY.rounds.turn_s / CALL_S)
    assert part.process == 0
    assert part.started_at > "2026"


@pytest.mark.parametrize(
    ("before", "suspected", "drawn", "glanced_at"),
    [(False, (), 3, True), (True, ("a",), 3, True), (True, (), 0, True), (True, ("b",), 3, False)],
)
def test_a_right_clock_is_glanced_at_on_a_workers_first_problem_under_suspicion_and_now_and_then(
    before: bool, suspected: tuple[str, ...], drawn: int, glanced_at: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    glances: list[bool] = []
    monkeypatch.setattr(trial, "check_clock", lambda *told, glance: glances.append(glance))
    monkeypatch.setattr(trial, "randbelow", lambda below: drawn % below)
    pool = ScriptedPool(a={})
    pool.slot("a", 1).glanced_at = before
    assert parts_of(trial_of(pool, suspected=suspected).run()).keys() == {"a"}
    assert glances == [glanced_at]
    assert pool.slot("a", 1).glanced_at
