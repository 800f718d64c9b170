"""What backends cost: learnt, foreseen, written and read again."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from pointwise_bench import Problem
from pointwise_bench.suites.harness.design.costs import CostBook, Costs, TrialCosts, read, size_factor, written
from pointwise_bench.suites.harness.design.policy import POLICY

PROBLEM = Problem(batch=1, in_channels=64, out_channels=64, height=16, width=16)
KEY = ("a", 1)


def test_nothing_known_is_what_is_usual() -> None:
    assert CostBook().of(KEY) == Costs.usual()
    assert CostBook().known() == {}


def test_what_is_usual_is_that_of_the_backend_where_that_is_known() -> None:
    assert Costs.usual("torch-compile").untimed_s > 10 * Costs.usual().untimed_s
    assert CostBook().of(("torch-compile", 2)) == Costs.usual("torch-compile")


def test_the_usual_costs_are_of_backends_that_there_are() -> None:
    from pointwise_bench.backends import registry
    from pointwise_bench.suites.harness.design import costs

    assert costs._usual_costs().keys() <= set(registry.names())
    assert all(isinstance(Costs.usual(name), Costs) for name in registry.names())


def test_costs_settle_at_what_is_seen() -> None:
    book = CostBook()
    for _ in range(60):
        book.note_trial(PROBLEM, {KEY: TrialCosts(0.4, 0.2, PROBLEM.macs / 3e9)}, ())
    found = book.of(KEY)
    assert found.untimed_s * size_factor(PROBLEM) == pytest.approx(0.4, rel=0.05)
    assert found.alone_s == pytest.approx(0.2, rel=0.05)
    assert found.multiply_adds_per_s == pytest.approx(3e9, rel=0.2)
    assert found.problems == 60


def test_calls_of_tiny_problems_say_little_of_the_speed_and_a_slow_loop_shows_even_there() -> None:
    """A call that took 20 us for 3,000 multiply-adds had a layer of 100 million foreseen to take half a second."""
    tiny, layer = Problem.parse("n1c8h5w5-o16"), Problem.parse("n1c256h28w28-o512")
    book, loop = CostBook(), CostBook()
    for _ in range(5):
        book.note_trial(tiny, {KEY: TrialCosts(0.4, 0.2, 20e-6)}, ())
        loop.note_trial(tiny, {KEY: TrialCosts(0.4, 0.2, tiny.macs / 1e6)}, ())
    usual_s = Costs.usual().seconds_per_call(layer)
    assert book.of(KEY).seconds_per_call(layer) < 4 * usual_s
    assert loop.of(KEY).seconds_per_call(layer) > 100 * usual_s
    book.note_trial(layer, {KEY: TrialCosts(0.4, 0.2, 10 * usual_s)}, ())
    assert book.of(KEY).seconds_per_call(layer) > 5 * usual_s


def test_what_was_long_ago_is_forgotten() -> None:
    book = CostBook({KEY: Costs(1.0, 1.0, 1.0, 5.0, 0.1, 1e10, 1.0, problems=1000)})
    for _ in range(3 * POLICY.costs.remembered):
        book.note_trial(PROBLEM, {KEY: TrialCosts(0.1, 0.1, None)}, ())
    assert book.of(KEY).untimed_s == pytest.approx(0.1, abs=0.4)


def test_a_first_problem_is_a_cost_of_the_start_and_not_of_a_problem() -> None:
    book = CostBook()
    usual = book.of(KEY)
    of_it_s, alone_s = usual.untimed_on(PROBLEM), usual.alone_on(PROBLEM)
    book.note_trial(PROBLEM, {KEY: TrialCosts(9.0 + of_it_s, alone_s, None)}, [KEY])
    assert book.of(KEY).first_s == pytest.approx(9.0)
    assert book.of(KEY).untimed_s == usual.untimed_s


@pytest.mark.parametrize("known", [True, False])
def test_a_start_that_took_many_times_what_is_known_of_it_is_not_believed(known: bool) -> None:
    """Of a backend that was measured here, or on the reference machine; of a new one everything is."""
    key, usual = ("numpy-matmul", 1), Costs.usual("numpy-matmul")
    book = CostBook({key: replace(usual, problems=20)} if known else {})
    for one in (key, KEY):
        book.note_starts({one: 60.0}, 60.0)
        book.note_trial(PROBLEM, {one: TrialCosts(60.0, 0.1, 1e-3)}, [one])
    assert book.of(key).start_s + book.of(key).first_s < POLICY.screening.least_start_s  # it is not left out
    assert book.of(KEY).start_s + book.of(KEY).first_s > 100


def test_a_later_start_finds_compiled_what_the_first_one_has() -> None:
    """By what the first takes, a run had foreseen fifteen seconds of compiling for each pass of its finals."""
    book = CostBook()
    book.note_trial(PROBLEM, {KEY: TrialCosts(15.0, 0.1, 1e-3)}, [KEY])
    first_s = book.of(KEY).first_s
    assert first_s > 14
    book.note_restart()
    assert book.starts_s([KEY], anew=True) == pytest.approx(POLICY.costs.start_s + POLICY.costs.again_s)
    book.note_trial(PROBLEM, {KEY: TrialCosts(0.5, 0.1, 1e-3)}, [KEY])
    assert book.of(KEY).first_s == first_s
    assert book.of(KEY).again_s < 0.6
    assert CostBook(book.known()).starts_s([KEY]) > 14  # the next run compiles anew


def test_starts_beside_each_other_share_what_all_of_them_took() -> None:
    book = CostBook(at_once=2)
    book.note_starts({("a", 1): 1.0, ("b", 1): 3.0}, wall_s=2.0)
    assert book.of(("a", 1)).start_s == pytest.approx(0.5)
    assert book.of(("b", 1)).start_s == pytest.approx(1.5)
    first_s = POLICY.costs.first_s
    asked = [("a", 1), ("b", 1), ("a", 1)]
    assert book.starts_s(asked) == pytest.approx(first_s)  # they run
    assert book.starts_s(asked, anew=True) == pytest.approx(2.0 + first_s)
    book.note_restart()
    assert book.starts_s(asked) == pytest.approx(2.0 + first_s)


def test_who_lacks_something_is_not_usable_until_it_starts() -> None:
    book = CostBook()
    book.note_missing(KEY)
    assert not book.of(KEY).usable
    book.note_starts({KEY: 1.0}, 1.0)
    assert book.of(KEY).usable


def test_a_trial_is_foreseen_by_its_longest_step_beside_others() -> None:
    one = Costs(1.0, 1.0, 1.0, 0.2, 0.1, 1e15, 1.0, problems=9)
    dear = Costs(1.0, 1.0, 1.0, 3.0, 0.1, 1e15, 1.0, problems=9)
    book = CostBook({("a", 1): one, ("b", 1): one, ("dear", 1): dear}, at_once=4, took_of_foreseen=1.0)
    turn_s = POLICY.rounds.turn_s + POLICY.rounds.warm_s + POLICY.rounds.turn_overhead_s
    rounds = {"a": 10, "b": 10}
    size = size_factor(PROBLEM)
    fixed_s = size * book.problem_s + 20 * turn_s
    assert book.trial_s(PROBLEM, 1, rounds) == pytest.approx(fixed_s + 0.2 * size + 0.2)
    assert book.trial_s(PROBLEM, 1, rounds | {"dear": 0}) == pytest.approx(fixed_s + 3.0 * size + 0.3)


def test_the_calls_of_slow_loops_are_foreseen_with_their_work() -> None:
    """A loop that takes 0.1 s is called thirteen times before it is timed: nothing of that is so on a tiny problem."""
    book = CostBook()
    large = replace(PROBLEM, out_channels=100 * PROBLEM.out_channels)
    loop_s, calls = 0.1 / 100, POLICY.costs.untimed_calls
    for _ in range(200):
        book.note_trial(PROBLEM, {KEY: TrialCosts(0.01 + calls * loop_s, 0.01, loop_s)}, ())
    assert book.of(KEY).untimed_on(large) == pytest.approx(0.01 * size_factor(large) + calls * 0.1, rel=0.05)
    assert book.of(KEY).alone_on(large) == pytest.approx(POLICY.costs.alone_calls * 0.1, rel=0.1)


def test_one_kernel_that_is_compiled_is_not_foreseen_for_all() -> None:
    book = CostBook()
    for _ in range(5):
        book.note_trial(PROBLEM, {KEY: TrialCosts(0.05, 0.01, None)}, ())
    before_s = book.of(KEY).untimed_s
    book.note_trial(PROBLEM, {KEY: TrialCosts(5.0, 0.01, None)}, ())
    assert book.of(KEY).untimed_s < 1.6 * before_s
    for _ in range(60):  # but who always takes as long is learnt
        book.note_trial(PROBLEM, {KEY: TrialCosts(5.0, 0.01, None)}, ())
    assert book.of(KEY).untimed_on(PROBLEM) == pytest.approx(5.0, rel=0.3)


def test_larger_problems_take_longer_to_prepare_and_to_check() -> None:
    large = Problem(batch=1, in_channels=256, out_channels=256, height=56, width=56)
    assert size_factor(PROBLEM) == pytest.approx(1 + PROBLEM.min_bytes / 2**20)
    assert size_factor(large) > 5 * size_factor(PROBLEM)


def test_what_a_problem_takes_beside_its_backends_is_learnt() -> None:
    book = CostBook(at_once=2)
    for _ in range(50):
        book.note_problem(PROBLEM, 1.0, 1, [TrialCosts(0.4, 0.1, None), TrialCosts(0.4, 0.1, None)])
    assert book.problem_s * size_factor(PROBLEM) == pytest.approx(1.0 - 0.4 - 0.2, rel=0.05)
    large = replace(PROBLEM, height=2 * PROBLEM.height, out_channels=4 * PROBLEM.out_channels)
    of_nobody = [book.trial_s(each, 1, {}) for each in (PROBLEM, large)]
    assert of_nobody[1] / of_nobody[0] == pytest.approx(size_factor(large) / size_factor(PROBLEM))


def test_what_is_written_is_read_again() -> None:
    known = {
        KEY: Costs(1.0, 2.0, 0.5, 0.1, 0.2, 3e9, 1.0, 7),
        ("b", 2): Costs(1.0, 2.0, 0.5, 0.1, 0.2, 3e9, 1.0, 7, usable=False),
    }
    assert read(written(known)) == known


@pytest.mark.parametrize(
    "line",
    [None, 3, {}, {"backend": "a"}, [], "text"]
    + [{**written({KEY: Costs.usual()})[0], "start_s": value} for value in (-1.0, math.nan, math.inf, "2", None, True)],
)
def test_what_is_no_cost_is_left_out(line: Any) -> None:
    assert read([line]) == {}


def test_what_is_foreseen_follows_what_trials_took_of_it() -> None:
    """Steps beside others that are counted twice make it too much by the same part again and again."""
    book, rounds = CostBook(at_once=2, took_of_foreseen=1.0), {"a": 10, "b": 10}
    plain_s = book.trial_s(PROBLEM, 1, rounds)
    for _ in range(60):
        book.note_foreseen(book.trial_s(PROBLEM, 1, rounds), 0.7 * plain_s)
    assert book.trial_s(PROBLEM, 1, rounds) == pytest.approx(0.7 * plain_s, rel=0.05)
    assert book.took_of_foreseen == pytest.approx(0.7, rel=0.05)
    book.note_foreseen(1.0, 1000.0)  # somebody compiled
    assert book.took_of_foreseen == pytest.approx(0.7, rel=0.05)
    for _ in range(60):
        book.note_foreseen(1.0, 1000.0)
    assert book.took_of_foreseen == 2.0


def test_a_speed_is_known_after_a_few_problems() -> None:
    book = CostBook({("quick", 1): Costs(1.0, 1.0, 1.0, 0.1, 0.1, 1e11, 1.0, problems=POLICY.costs.known_after)})
    book.suppose(("new", 1), ("quick", 1))
    book = CostBook(book.known() | {("new", 1): replace(book.of(("new", 1)), problems=POLICY.costs.known_after - 1)})
    assert book.known_seconds(PROBLEM, 1, ["quick", "new", "nobody"]) == {"quick": PROBLEM.macs / 1e11}
    assert book.known_seconds(PROBLEM, 2, ["quick"]) == {}
