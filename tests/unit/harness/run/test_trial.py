"""One trial: which backends take part, in which order they are timed, and what is kept. Clients are scripted."""

from __future__ import annotations

import errno
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from math import ceil, nan
from threading import Lock
from typing import Any

import pytest
from scripted_trial import (
    CALL_S,
    PROBLEM,
    REQUESTS,
    ROUNDS,
    CountingCanary,
    ScriptedClient,
    ScriptedPool,
    ends,
    ends_of,
    parts_of,
    trial_of,
)

from pointwise_bench import Problem
from pointwise_bench.backends.problem import Dtype
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.design.rounds import Share
from pointwise_bench.suites.harness.machine.state.nearness import Nearness
from pointwise_bench.suites.harness.record.ended import Ended, Hurried
from pointwise_bench.suites.harness.timing.judge import SetUp
from pointwise_bench.suites.harness.timing.timed_layer import WarmUp

# --- rounds -------------------------------------------------------------------------------------------------------


def test_backends_take_their_turns_in_interleaved_rounds() -> None:
    pool = ScriptedPool(a={}, b={}, c={})
    trial_of(pool).run()
    turns = [name for request, name in pool.requests if request == "turn"]
    rounds = [turns[start : start + 3] for start in range(0, len(turns), 3)]
    assert len(rounds) == ROUNDS
    assert all(sorted(each) == ["a", "b", "c"] for each in rounds)


def test_all_backends_are_set_up_before_any_is_timed() -> None:
    pool = ScriptedPool(a={}, b={})
    trial_of(pool).run()
    requests = [request for request, _ in pool.requests]
    assert requests.index("turn") > max(place for place, asked in enumerate(requests) if asked == "set_up")


def test_what_judges_by_time_has_the_machine_to_itself_and_what_looks_at_values_shares_it() -> None:
    """Every request takes 10 ms here, and it is counted how many are under way.

    Who rests is watched in all at once: what is counted is what threads ask for, not what they get.
    """
    under_way, most = 0, dict.fromkeys(REQUESTS, 0)
    lock = Lock()

    def counting(request: str) -> Callable[[int], Any]:
        def answer(number: int) -> None:
            nonlocal under_way
            with lock:
                under_way += 1
                most[request] = max(most[request], under_way)
            time.sleep(0.01)
            with lock:
                under_way -= 1

        return answer

    script = {request: counting(request) for request in REQUESTS}
    trial_of(ScriptedPool(a=script, b=script, c=script)).run()
    assert most == {"refuses": 2, "set_up": 2, "warm_up": 1, "turn": 1, "idle": 3, "check_answers": 2, "finish": 1}


def test_the_canary_beats_once_a_round_for_all() -> None:
    parts = parts_of(trial_of(ScriptedPool(a={}, b={})).run())
    assert parts["a"].canary_s == parts["b"].canary_s == [float(number) for number in range(1, ROUNDS + 1)]


@pytest.mark.parametrize("cores", [None, [1], [0, 3]])
def test_all_turns_and_the_canary_keep_to_the_cores_of_the_pass(cores: list[int] | None) -> None:
    pool, canary = ScriptedPool(a={}, b={}), CountingCanary()
    trial_of(pool, cores=cores, canary=canary).run()
    for slot in pool.slots.values():
        client: Any = slot.client
        assert client.turns == [(ceil(POLICY.rounds.turn_s / CALL_S), POLICY.rounds.warm_s, cores)] * ROUNDS
    assert canary.cores == [cores] * ROUNDS


def test_a_slow_backend_takes_part_in_the_first_rounds_only() -> None:
    pool = ScriptedPool(slow={"warm_up": lambda number: WarmUp(1.0, 1.0)}, fast={})
    parts = parts_of(trial_of(pool, rounds=lambda speeds: 9).run())
    assert (len(parts["slow"].samples_s), len(parts["fast"].samples_s)) == (POLICY.rounds.fewest, 9)
    assert parts["slow"].calls == 1
    assert parts["slow"].canary_s == parts["fast"].canary_s[: POLICY.rounds.fewest]


def test_a_warm_up_that_is_far_from_what_is_known_of_the_backend_is_asked_for_again() -> None:
    """Of who takes longer than ever before, of who is as slow as he is known to be, and of whom nothing is known."""
    slow, quick = WarmUp(8e-3, 1.0), WarmUp(1e-4, 2.0)
    disturbed = {"warm_up": lambda number: slow if number < 2 else quick}
    always = {"warm_up": lambda number: slow}
    pool = ScriptedPool(disturbed=disturbed, slower=always, known=always, new=always)
    parts = parts_of(trial_of(pool, known_s={"disturbed": 7e-5, "slower": 7e-5, "known": 5e-3}).run())
    asked = Counter(name for request, name in pool.requests if request == "warm_up")
    assert asked == {"disturbed": 3, "slower": POLICY.rounds.warm_ups, "known": 1, "new": 1}
    assert parts["disturbed"].calls == ceil(POLICY.rounds.turn_s / quick.seconds_per_call)
    assert parts["slower"].calls == parts["known"].calls == 1


def test_a_warm_up_by_which_who_is_near_would_be_far_is_asked_for_again() -> None:
    """Of quick calls, too: with four rounds in the place of twelve his start tells little, and may be all slow."""
    slow, quick = WarmUp(9e-5, 1.0), WarmUp(5e-5, 1.0)
    near: dict[str, Callable[[int], Any]] = {"warm_up": [slow, slow, quick].__getitem__}
    always = {"warm_up": lambda number: slow}
    pool = ScriptedPool(first={"warm_up": lambda number: quick}, near=near, far=always, quicker=always)
    known_s = {"first": 8e-5, "near": 8.5e-5, "far": 1.5e-4, "quicker": 1e-4}
    parts = parts_of(trial_of(pool, known_s=known_s, far_rounds=1).run())
    asked = Counter(name for request, name in pool.requests if request == "warm_up")
    assert asked == {"first": 1, "near": POLICY.rounds.far_warm_ups, "far": 1, "quicker": 1}
    rounds = {name: len(part.samples_s) for name, part in parts.items()}
    assert rounds == {"first": ROUNDS, "near": ROUNDS, "far": 1, "quicker": 1}


def test_a_warm_up_of_a_short_call_is_not_doubted() -> None:
    """What a tiny layer takes is no work, and many times what is foreseen from its multiply-adds."""
    pool = ScriptedPool(a={"warm_up": lambda number: WarmUp(1e-5, 1.0)})
    trial_of(pool, known_s={"a": 1e-9}).run()
    assert [request for request, _ in pool.requests].count("warm_up") == 1


def test_the_number_of_rounds_comes_from_the_warm_ups_speed() -> None:
    seen: list[dict[str, float]] = []

    def rounds(speeds: dict[str, float]) -> int:
        seen.append(dict(speeds))
        return 5

    pool = ScriptedPool(a={}, b={"warm_up": lambda number: WarmUp(0.2, 1.0)})
    parts = parts_of(trial_of(pool, rounds=rounds).run())
    assert seen == [{"a": CALL_S, "b": 0.2}]
    assert len(parts["a"].samples_s) == 5


def test_a_later_pass_keeps_the_calls_and_the_limit_of_the_first() -> None:
    """A worker that starts slower must not average fewer calls into a sample, nor leave out rounds of the others."""
    pool = ScriptedPool(a={"warm_up": lambda number: WarmUp(1.0, 1.0)}, b={})
    parts = parts_of(trial_of(pool, earlier={"a": Share(rounds=30, calls=17, most=5)}).run())
    assert parts["a"].share == Share(rounds=5, calls=17, most=5)
    assert len(parts["a"].samples_s) == 5
    assert len(parts["b"].samples_s) == ROUNDS


# --- backends that end early --------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["refuses", "set_up", "warm_up", "turn", "check_answers", "finish"])
def test_a_backend_that_ends_at_any_moment_leaves_and_the_others_go_on(moment: str) -> None:
    result = trial_of(ScriptedPool(a={moment: ends("wrong")}, b={})).run()
    assert ends_of(result).keys() == {"a"}
    assert (ends_of(result)["a"].status, ends_of(result)["a"].reason) == ("wrong", "as the script says")
    assert parts_of(result).keys() == {"b"}
    assert len(parts_of(result)["b"].samples_s) == ROUNDS


def test_a_backend_that_crashes_in_the_middle_gets_a_new_client_for_the_next_problem() -> None:
    pool = ScriptedPool(a={"turn": ends("crashed", alive=False, at=3)}, b={})
    assert ends_of(trial_of(pool).run())["a"].status == "crashed"
    assert pool.slots["a"].client is None
    assert pool.slots["b"].client is not None
    pool.scripts["a"] = {}
    parts = parts_of(trial_of(pool).run())
    assert (parts["a"].process, parts["b"].process) == (1, 0)


def test_a_backend_that_ends_alive_keeps_its_client() -> None:
    pool = ScriptedPool(a={"finish": ends("wrong")})
    trial_of(pool).run()
    assert pool.slots["a"].client is not None


def test_a_refusal_is_unsupported_with_its_reason() -> None:
    ended = ends_of(trial_of(ScriptedPool(a={"refuses": lambda number: "has no groups"}, b={})).run())["a"]
    assert (ended.status, ended.reason) == ("unsupported", "has no groups")


def test_what_the_gate_cannot_judge_is_not_timed() -> None:
    problem = Problem(batch=1, in_channels=8, out_channels=8, height=4, width=4, activation="relu",
                      direction="backward-input")  # fmt: skip
    pool = ScriptedPool(a={})
    ended = ends_of(trial_of(pool, problem=problem).run())["a"]
    assert ended.status == "unsupported"
    assert "backward-input through relu" in ended.reason
    assert "set_up" not in [request for request, _ in pool.requests]


def test_what_is_missing_makes_it_unavailable() -> None:
    pool = ScriptedPool(a={}, b={})
    pool.slot("a", 1).missing = "no such device"
    result = trial_of(pool).run()
    assert (ends_of(result)["a"].status, ends_of(result)["a"].reason) == ("unavailable", "no such device")
    assert parts_of(result).keys() == {"b"}


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EAGAIN, errno.ENOENT])
def test_who_cannot_be_started_for_want_of_descriptors_leaves_and_the_others_are_measured(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """What is no want is a fault, and is not hidden."""
    pool = ScriptedPool(a={}, b={})
    slot = pool.slot

    def lacking(name: str, threads: int) -> Any:
        if name == "a":
            raise OSError(number, "Too many open files")
        return slot(name, threads)

    monkeypatch.setattr(pool, "slot", lacking)
    if number == errno.ENOENT:
        with pytest.raises(FileNotFoundError):
            trial_of(pool).run()
        return
    result = trial_of(pool).run()
    assert ends_of(result)["a"].status == "failed"
    assert "starting its worker" in ends_of(result)["a"].reason
    assert "Too many open files" in ends_of(result)["a"].reason
    assert parts_of(result).keys() == {"b"}


def test_every_backend_has_exactly_one_part_or_end() -> None:
    pool = ScriptedPool(a={"refuses": ends("failed")}, b={"set_up": ends("wrong")}, c={"turn": ends("failed")}, d={})
    result = trial_of(pool).run()
    names = [part.backend for part in result.parts] + [part.backend for part, _ in result.ended]
    assert sorted(names) == ["a", "b", "c", "d"]


def test_a_wrong_answers_error_is_kept_with_its_end() -> None:
    wrong = Ended("wrong", "too far off", error_ratio=7.5)
    result = trial_of(ScriptedPool(a={"finish": lambda number: wrong}, b={})).run()
    ((part, ended),) = result.ended
    assert ended is wrong
    assert part.error_ratio == 7.5
    assert part.prepare_s == 0.1


def test_a_backend_that_hangs_on_one_problem_after_another_is_not_tried_for_ever() -> None:
    pool = ScriptedPool(a={"set_up": lambda number: Ended("timed-out", "no answer", alive=False)}, b={})
    ways = [ends_of(trial_of(pool).run())["a"] for _ in range(5)]
    assert {ended.status for ended in ways} == {"timed-out"}
    assert ["not tried" in ended.reason for ended in ways] == [False, False, False, True, True]


def test_a_time_budget_waits_no_longer_than_it_can_and_says_so() -> None:
    asked: list[float] = []
    patience = {"a": 7.0}

    def hang(number: int) -> Ended:
        return Ended("timed-out", f"no answer within {asked[-1]:g} s", alive=False)

    pool = ScriptedPool(a={"set_up": hang}, b={})
    set_up = ScriptedClient.set_up

    def noting(self: ScriptedClient, cases: Any, timeout_s: float, *, whole: bool = True) -> SetUp:
        asked.append(timeout_s)
        return set_up(self, cases, timeout_s, whole=whole)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptedClient, "set_up", noting)
        result = trial_of(pool, hurried=True, patience_s=lambda first: patience["a"]).run()
    ended = ends_of(result)["a"]
    assert isinstance(ended, Hurried)
    assert ended.status == "timed-out"
    assert "no answer within 7 s; more would not fit into the time budget" in ended.reason
    assert asked[0] == 7
    assert set(parts_of(result)) == {"b"}


def test_a_time_out_of_its_own_is_not_the_budgets() -> None:
    result = trial_of(ScriptedPool(a={"set_up": ends("timed-out", alive=False)}), hurried=True, timeout_s=5.0).run()
    assert not isinstance(ends_of(result)["a"], Hurried)


def test_within_a_time_budget_a_backend_that_hung_once_is_not_tried_again() -> None:
    pool = ScriptedPool(a={"set_up": lambda number: Ended("timed-out", "it hangs", alive=False)}, b={})
    trial_of(pool, hurried=True).run()
    asked = pool.requests.count(("set_up", "a"))
    ended = ends_of(trial_of(pool, hurried=True).run())["a"]
    assert isinstance(ended, Hurried)
    assert "not tried" in ended.reason
    assert pool.requests.count(("set_up", "a")) == asked == 1


def test_who_timed_out_on_one_element_type_is_tried_on_another_but_on_no_third() -> None:
    """Kernels are compiled for each: one that takes too long for what is left says nothing of those that are there."""
    pool = ScriptedPool(a={"set_up": lambda number: Ended("timed-out", "it compiles", alive=False)}, b={})
    asked: list[tuple[Dtype, int]] = [("float64", 1), ("float64", 1), ("float16", 2), ("float32", 2)]
    for dtype, kinds in asked:
        ended = ends_of(trial_of(pool, hurried=True, problem=replace(PROBLEM, dtype=dtype)).run())["a"]
        assert pool.requests.count(("set_up", "a")) == kinds
    assert "not tried: it timed out on 2 kinds of problems" in ended.reason
    pool = ScriptedPool(a={"set_up": lambda number: Ended("timed-out", "it compiles", alive=False)}, b={})
    trial_of(pool, hurried=True, problem=replace(PROBLEM, dtype="float64")).run()
    pool.scripts["a"] = {}
    assert "a" in parts_of(trial_of(pool, hurried=True).run())


def test_a_problem_that_goes_well_forgets_earlier_time_outs() -> None:
    pool = ScriptedPool(a={"set_up": lambda number: Ended("timed-out", "no answer", alive=False)}, b={})
    for _ in range(2):
        trial_of(pool).run()
    pool.scripts["a"] = {}
    trial_of(pool).run()
    assert pool.slots["a"].time_outs == 0


# --- cores that are apart -----------------------------------------------------------------------------------------


class Apart(Nearness):
    """After which turns the cores are apart; and on which it was waited."""

    def __init__(self, *apart: int) -> None:
        super().__init__(lambda cores: nan)
        self.apart = apart
        self.waited: list[list[int]] = []

    def await_near(self, cores: list[int]) -> bool:
        """Counted."""
        self.waited.append(cores)
        return True

    def counts(self, cores: list[int], turn_s: float, *, as_it_is: bool = False) -> bool:
        """As it was made."""
        self.turns += 1
        return as_it_is or self.turns - 1 not in self.apart


def test_a_turn_after_which_the_cores_were_apart_is_taken_again() -> None:
    pool, apart = ScriptedPool(a={}, b={}), Apart(5)  # behind two warm-ups the fourth turn
    parts = parts_of(trial_of(pool, threads=2, cores=[4, 5], nearness=apart).run())
    turns = [name for request, name in pool.requests if request == "turn"]
    assert turns[3] == turns[4]  # at once: its round goes on behind it
    assert apart.turns == 2 + 2 * ROUNDS + 1
    assert {tuple(cores) for cores in apart.waited} == {(4, 5)}
    assert all(len(part.samples_s) == ROUNDS for part in parts.values())


def test_a_turn_is_taken_again_a_few_times_and_then_counts() -> None:
    pool, apart = ScriptedPool(a={}), Apart(*range(1000))
    parts = parts_of(trial_of(pool, threads=2, cores=[0, 1], nearness=apart).run())
    assert len(parts["a"].samples_s) == ROUNDS
    assert apart.turns == (1 + ROUNDS) * (1 + POLICY.nearness.most_again)  # the warm-up as well
