"""One trial: which backends take part, in which order they are timed, and what is kept. Clients are scripted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from math import ceil
from random import Random
from threading import Lock
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from pointwise_bench import Problem
from pointwise_bench.backends.problem import Dtype
from pointwise_bench.common.status import Status
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.design.rounds import Share
from pointwise_bench.suites.harness.machine.ceilings import Ceilings
from pointwise_bench.suites.harness.record.ended import Ended, Hurried
from pointwise_bench.suites.harness.record.pass_samples import PassSamples
from pointwise_bench.suites.harness.run import trial as trial_module
from pointwise_bench.suites.harness.run.trial import Participant, Trial, TrialResult
from pointwise_bench.suites.harness.timing.clock import Turn
from pointwise_bench.suites.harness.timing.judge import Finish, SetUp
from pointwise_bench.suites.harness.timing.timed_layer import WarmUp
from pointwise_bench.suites.harness.worker.pool import WorkerSlot

PROBLEM = Problem(batch=1, in_channels=64, out_channels=64, height=16, width=16)
CALL_S = 1e-3
ROUNDS = 6
REQUESTS = ("refuses", "set_up", "warm_up", "turn", "idle", "check_answers", "finish")
Answer = TypeVar("Answer")


@dataclass
class ScriptedClient:
    """Answers as a correct backend of a millisecond per call would, but for what its ``script`` says."""

    name: str
    requests: list[tuple[str, str]]
    script: dict[str, Callable[[int], Any]] = field(default_factory=dict)
    numbers: dict[str, Iterator[int]] = field(default_factory=dict)
    turns: list[tuple[int, float, list[int] | None]] = field(default_factory=list)

    def answer(self, request: str, usual: Answer) -> Answer:
        """The script's answer to the request's n-th repetition, or the usual one."""
        self.requests.append((request, self.name))
        number = next(self.numbers.setdefault(request, count()))
        scripted = self.script[request](number) if request in self.script else None
        if isinstance(scripted, Exception):
            raise scripted
        answer: Answer = usual if scripted is None else scripted
        return answer

    def refuses(self, problem: Problem, timeout_s: float) -> str | None:
        """Nothing."""
        return self.answer("refuses", None)

    def set_up(self, cases: Any, timeout_s: float, *, whole: bool = True) -> SetUp:
        """A pass."""
        return self.answer("set_up", SetUp(0.1, 0.01, 0.25))

    def warm_up(self, timeout_s: float) -> WarmUp:
        """A millisecond per call, on one core."""
        return self.answer("warm_up", WarmUp(CALL_S, 1.0))

    def turn(self, calls: int, warm_s: float, cores: list[int] | None, timeout_s: float) -> Turn:
        """One round."""
        self.turns.append((calls, warm_s, cores))
        return self.answer("turn", Turn(CALL_S, 1.0, calls * CALL_S, None))

    isolation = "worker"

    def idle(self, settled_s: float, timeout_s: float) -> float:
        """At rest."""
        return self.answer("idle", 0.01)

    def check_answers(self, timeout_s: float, *, thorough: bool = False) -> None:
        """Another pass."""
        return self.answer("check_answers", None)

    def finish(self, timeout_s: float) -> Finish:
        """Another pass."""
        return self.answer("finish", Finish(0.5, 10**8))


class ScriptedPool:
    """Slots with scripted clients, of which a dismissed one is replaced like a real one."""

    at_once = 2

    def __init__(self, **scripts: dict[str, Callable[[int], Any]]) -> None:
        self.requests: list[tuple[str, str]] = []
        self.scripts = {name.replace("_", "-"): script for name, script in scripts.items()}
        self.slots: dict[str, WorkerSlot] = {}
        self.devices: dict[str, str] = {}

    def slot(self, name: str, threads: int) -> WorkerSlot:
        """As :meth:`pointwise_bench.suites.harness.worker.pool.Pool.slot`."""
        backend: Any = SimpleNamespace(device=self.devices.get(name, "cpu"))
        slot = self.slots.setdefault(name, WorkerSlot(backend, threads))
        if slot.client is None:
            slot.client = ScriptedClient(name, self.requests, self.scripts[name])  # type: ignore[assignment]
            slot.starts += 1
        return slot

    def dismiss(self, slot: WorkerSlot) -> None:
        """As :meth:`pointwise_bench.suites.harness.worker.pool.Pool.dismiss`."""
        slot.client = None


class CountingCanary:
    """A canary that counts."""

    def __init__(self) -> None:
        self.number = 0
        self.cores: list[list[int] | None] = []

    def work_s(self, threads: int, cores: list[int] | None) -> float:
        """The number of the beat."""
        self.number += 1
        self.cores.append(cores)
        return float(self.number)


def trial_of(pool: ScriptedPool, **changed: Any) -> Trial:
    fixed: dict[str, Any] = {
        "problem": PROBLEM,
        "threads": 1,
        "backends": list(pool.scripts),
        "pool": pool,
        "canary": CountingCanary(),
        "rounds": lambda speeds: ROUNDS,
        "rng": Random(1),
        "timeout_s": 60.0,
    }
    return Trial(**fixed | changed)


def parts_of(result: TrialResult) -> dict[str, PassSamples]:
    return {part.backend: part for part in result.parts}


def ends_of(result: TrialResult) -> dict[str, Ended]:
    return {part.backend: ended for part, ended in result.ended}


def ends(status: Status, *, alive: bool = True, at: int = 0) -> Callable[[int], Any]:
    """A script that ends the backend's part when it is asked for the ``at``-th time."""
    return lambda number: Ended(status, "as the script says", alive=alive) if number == at else None


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
    """Every request takes 10 ms here, and it is counted how many are under way."""
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
    assert most == {"refuses": 2, "set_up": 2, "warm_up": 1, "turn": 1, "idle": 1, "check_answers": 2, "finish": 1}


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


def test_a_time_out_is_for_all_requests_together() -> None:
    """A backend cannot stretch it by being slow in many small steps."""
    seen: list[float] = []
    client: Any = object()
    backend: Any = None
    participant = Participant(WorkerSlot(backend, 1, client), PassSamples("a", 0, ""), patience_s=0.05)

    def request(client: Any, patience_s: float) -> None:
        seen.append(patience_s)
        time.sleep(0.03)

    for _ in range(3):
        participant.ask(request)
    assert seen[0] == 0.05
    assert 0 < seen[1] <= 0.02
    assert seen[2] == 0.001


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


# --- after the timing ---------------------------------------------------------------------------------------------


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
    policy = replace(POLICY, acceptance=replace(POLICY.acceptance, telling_turn_s=1e6, long_turn=2, most_long_turns=2))
    monkeypatch.setattr(trial_module, "POLICY", policy)
    ended = ends_of(trial_of(pool).run())["a"]
    assert (ended.status, ended.reason) == ("failed", "the machine was too busy to tell whether its clock is right")


def test_threads_that_spin_for_ever_are_told_from_those_that_wait_for_a_next_call() -> None:
    looks = {"ever": [1.0, 1.0], "a_while": [1.0, 0.0], "never": [0.0]}
    scripts: dict[str, dict[str, Callable[[int], Any]]] = {
        name: {"idle": seen.__getitem__} for name, seen in looks.items()
    }
    pool = ScriptedPool(**scripts)
    result = trial_of(pool).run()
    assert (
        ends_of(result)["ever"].reason == "threads of its own ask for 1.00 CPU seconds per second while nobody calls it"
    )
    assert parts_of(result).keys() == {"a-while", "never"}
    trial_of(
        pool, backends=["a-while", "never"]
    ).run()  # a backend that was seen to rest is not watched on the next problem
    assert [name for request, name in pool.requests if request == "idle"] == [
        "ever",
        "ever",
        "a-while",
        "a-while",
        "never",
    ]


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
