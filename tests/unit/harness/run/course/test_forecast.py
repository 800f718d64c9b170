"""What a time budget reaches, foreseen from costs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from simulated_machine import problems

from pointwise_bench import Problem
from pointwise_bench.suites.harness.design import costs
from pointwise_bench.suites.harness.design.costs import CostBook, Costs
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.record.cell import Place
from pointwise_bench.suites.harness.run.course.forecast import Forecast, Reach, groups, limited, whole_groups
from pointwise_bench.suites.harness.run.plan import Plan, PlannedTrial, TrialTask

QUICK = Costs(
    start_s=1.0, first_s=1.0, again_s=1.0, untimed_s=0.1, alone_s=0.05, multiply_adds=5e10, calls_s=1.0, problems=9
)


def book(*names: str, **others: Costs) -> CostBook:
    return CostBook({(name, 1): QUICK for name in names} | {(name, 1): one for name, one in others.items()}, at_once=2)


def task(problem: Problem, *names: str, group: str = "net") -> TrialTask:
    return TrialTask(PlannedTrial(problem, 1, [Place(group, problem.id)], list(names)), names)


def test_seconds_are_those_of_starts_steps_and_turns() -> None:
    """Two backends on two cores: 2 s of starts, 1 s of first problems beside each other, and one trial."""
    costs, asked = book("a", "b"), [task(problems(1)[0], "a", "b")]
    trial_s = Forecast(costs).task_s(asked[0])
    assert trial_s == pytest.approx(costs.problem_s + 0.1 + 2 * 0.05 + 2 * 10 * 0.006, rel=0.25)
    assert Forecast(costs).screening_s(asked) == pytest.approx(3.0 + trial_s)
    costs.started |= {("a", 1), ("b", 1)}
    assert Forecast(costs).screening_s(asked) == pytest.approx(1.0 + trial_s)
    costs.warm |= {("a", 1), ("b", 1)}
    assert Forecast(costs).screening_s(asked) == pytest.approx(trial_s)


def test_who_is_known_to_be_far_is_foreseen_with_few_rounds() -> None:
    slow = Costs(1.0, 1.0, 1.0, 0.1, 0.05, multiply_adds=1e9, calls_s=1.0, problems=9)
    near = book("a", "b", b=QUICK)
    far = book("a", b=slow)
    asked = task(problems(1)[0], "a", "b")
    turn_s = POLICY.rounds.turn_s + POLICY.rounds.warm_s + POLICY.rounds.turn_overhead_s
    saved_s = Forecast(near).task_s(asked) - Forecast(far).task_s(asked)
    assert saved_s == pytest.approx(turn_s * (10 - POLICY.screening.far_rounds), rel=0.4)


def test_what_a_short_time_reaches_is_foreseen_with_as_many_as_go_on_behind_the_scouts() -> None:
    """One backend is far ahead of all others: four go on, and what people use."""
    fast = replace(QUICK, multiply_adds=1e12)
    others = [f"b{number}" for number in range(8)]
    costs = book(*others, "torch-conv2d", fast=fast)
    costs.started |= set(costs.known())
    costs.warm |= set(costs.known())
    asked = [task(problem, *others, "torch-conv2d", "fast") for problem in problems(60)]
    reach = Forecast(costs).screening(asked, 45.0)
    assert POLICY.screening.fewest_near == 4
    going_on = [task(each.planned.problem, "fast", "torch-conv2d", "b0", "b1", "b2") for each in reach.tasks]
    foreseen_s = Forecast(costs).in_haste().screening_s(going_on)
    share = POLICY.screening.short_share * (1 - POLICY.screening.scouting_share)
    assert share * 45.0 - 1.0 < foreseen_s <= share * 45.0 + 1.0


def test_where_all_fits_everybody_meets_everywhere() -> None:
    asked = [task(problem, "a", "b") for problem in problems(5)]
    forecast = Forecast(book("a", "b"))
    reach, seconds = forecast.everywhere(asked, 100.0), forecast.screening_s(asked)
    assert reach == Reach(tuple(asked), (), {}, ("net",), (), foreseen_s=seconds)
    assert forecast.screening(asked, 1000.0).said == (
        f"plan: 5 problems, 2 backends screened in about {seconds:.0f} s, finals of the leaders"
    )


def test_who_is_dear_is_limited_to_a_fair_share_that_is_spread() -> None:
    dear = Costs(1.0, 1.0, 1.0, 4.0, 0.05, multiply_adds=5e10, calls_s=1.0, problems=9)
    asked = [task(problem, "a", "b", "dear") for problem in problems(60)]
    forecast = Forecast(book("a", "b", dear=dear))
    seconds = 0.9 * forecast.screening_s(asked)
    reach = forecast.screening(asked, seconds / POLICY.screening.share)
    assert not reach.scouts
    (key, own) = next(iter(reach.limits.items()))
    assert key == ("dear", 1)
    assert 1 <= len(own) < 60
    assert own != {each.planned.key for each in asked[: len(own)]}
    assert forecast.screening_s(reach.tasks) <= seconds
    assert f"dear on {len(own)} of them" in reach.said
    assert sum("dear" in each.backends for each in limited(asked, reach.limits)) == len(own)


def test_beside_the_dearest_of_all_the_next_one_is_still_dear() -> None:
    """Pure Python took 25,000 s, so that in the mean over all others a compiler's 160 s were nothing."""
    hopeless = Costs(1.0, 1.0, 1.0, 400.0, 0.05, multiply_adds=5e10, calls_s=1.0, problems=9)
    compiler = Costs(1.0, 1.0, 1.0, 4.0, 0.05, multiply_adds=5e10, calls_s=1.0, problems=9)
    names = ("a", "b", "c", "hopeless", "compiler")
    asked = [task(problem, *names) for problem in problems(5)]
    forecast = Forecast(book("a", "b", "c", hopeless=hopeless, compiler=compiler))
    assert forecast.dear(asked) == {("hopeless", 1), ("compiler", 1)}
    assert forecast.dear([task(problem, "a", "b", "c") for problem in problems(5)]) == frozenset()


def test_what_a_backend_refuses_costs_nothing_and_is_on_top_of_its_share() -> None:
    dear = Costs(1.0, 1.0, 1.0, 4.0, 0.05, multiply_adds=5e10, calls_s=1.0, problems=9)
    costs = book("a", "b", dear=dear)
    asked = [task(problem, "a", "b", "dear") for problem in problems(8)]
    before_s = Forecast(costs).screening_s(asked)
    limits = Forecast(costs).limits(asked, [("dear", 1)], 3.0)
    assert len(limits["dear", 1]) == 1
    refused = [each for each in asked[:6] if each.planned.key not in limits["dear", 1]]
    costs.refused |= {(("dear", 1), each.planned.problem) for each in refused}
    assert Forecast(costs).screening_s(asked) < before_s - 2.0 * len(refused)
    own = Forecast(costs).limits(asked, [("dear", 1)], 3.0)["dear", 1]
    assert {each.planned.key for each in refused} < own
    assert len(own) == len(refused) + 1


def test_beside_one_that_refuses_nearly_all_nobody_is_dear() -> None:
    """Everybody had been given a fair share of what it takes, and not one network was whole."""
    costs = book("a", "b", "c", "refuses")
    asked = [task(problem, "a", "b", "c", "refuses") for problem in problems(20)]
    costs.refused |= {(("refuses", 1), each.planned.problem) for each in asked[1:]}
    assert Forecast(costs).dear(asked) == frozenset()


def test_what_the_less_dear_leave_is_for_the_dearer() -> None:
    dear = Costs(1.0, 1.0, 1.0, 4.0, 0.05, multiply_adds=5e10, calls_s=1.0, problems=9)
    costs = book("a", "b", dear=dear, little=replace(dear, untimed_s=0.1))
    asked = [task(problem, "a", "b", "dear", "little") for problem in problems(40)]
    both = Forecast(costs).limits(asked, [("dear", 1), ("little", 1)], 24.0)
    alone = Forecast(costs).limits(asked, [("dear", 1)], 12.0)
    assert len(both["dear", 1]) > len(alone["dear", 1])


def test_scouts_are_spread_and_the_quickest_is_first() -> None:
    """A first result is waited for; the largest problem of a network took sixteen seconds with everybody."""
    names = tuple(f"b{number}" for number in range(12))
    asked = [task(problem, *names, group="one") for problem in (*problems(6), *problems(6, channels=64))]
    asked += [task(problem, *names, group="huge") for problem in problems(300, channels=48)]
    forecast = Forecast(book(*names))
    scouts = forecast.screening(asked, 60.0 / POLICY.screening.short_share).scouts
    seconds = [forecast.task_s(each) for each in scouts]
    assert seconds == sorted(seconds)
    assert seconds[0] < seconds[-1]


@pytest.mark.parametrize(
    ("untimed_s", "left_s", "left_out"),
    [(4.0, 50.0, True), (4.0, 500.0, False), (0.5, 5.0, False), (0.5, 50.0, False)],
)
def test_who_takes_much_of_a_short_time_for_each_problem_is_left_out(
    untimed_s: float, left_s: float, left_out: bool
) -> None:
    """Of a few seconds, those of a run of claims for its cells, everything is much: nobody usual is left out there."""
    dear = Costs(0.2, 0.2, 0.2, untimed_s, 0.05, multiply_adds=5e10, calls_s=1.0, problems=9)
    asked = [task(problem, "a", "b", "dear") for problem in problems(5)]
    costs = book("a", "b", dear=dear)
    costs.started |= {("a", 1), ("b", 1), ("dear", 1)}
    costs.warm |= costs.started
    reach = Forecast(costs).screening(asked, left_s)
    assert (reach.too_slow == {("dear", 1)}) is left_out
    assert ("without dear, which takes too long" in reach.said) is left_out


@pytest.mark.parametrize(("first_s", "left_s", "left_out"), [(1.5, 4.0, False), (8.0, 60.0, True), (8.0, 90.0, False)])
def test_who_takes_much_of_a_short_time_to_start_is_left_out(first_s: float, left_s: float, left_out: bool) -> None:
    slow = Costs(0.2, first_s, 0.5, 0.1, 0.05, multiply_adds=5e10, calls_s=1.0, problems=9)
    asked = [task(problem, "a", "b", "slow") for problem in problems(2)]
    costs = book("b", a=replace(QUICK, first_s=0.1), slow=slow)
    costs.started |= {("a", 1), ("b", 1), ("slow", 1)}
    assert (Forecast(costs).too_slow(asked, left_s) == {("slow", 1)}) is left_out


@pytest.mark.parametrize(
    ("untimed_s", "left_s", "left_out"), [(0.1, 20.0, "slower"), (0.1, 10.0, "both"), (4, 20, "both")]
)
def test_who_is_asked_for_with_one_other_only_is_met_where_half_of_the_time_is_enough(
    untimed_s: float, left_s: float, left_out: str
) -> None:
    """One backend is compared with nobody, and the run would end with most of its time left."""
    slow = Costs(0.2, 8.0, 0.5, untimed_s, 0.05, multiply_adds=5e10, calls_s=1.0, problems=9)
    asked = [task(problem, "a", "slow", "slower") for problem in problems(2)]
    costs = book("a", slow=slow, slower=replace(slow, first_s=9.0))
    costs.started |= {(name, 1) for name in ("a", "slow", "slower")}
    expected = {"slower": {("slower", 1)}, "both": {("slow", 1), ("slower", 1)}}
    assert Forecast(costs).too_slow(asked, left_s) == expected[left_out]


def test_a_screening_of_everybody_begins_with_problems_that_are_spread() -> None:
    """Where it has to be narrowed, those that were measured by then say who is near: not one network's alone."""
    asked = [task(problem, "a", "b") for problem in (*problems(30), *problems(30, channels=32))]
    ordered = Forecast(book("a", "b")).scouts_first(asked)
    assert sorted(each.planned.key for each in ordered) == sorted(each.planned.key for each in asked)
    first = ordered[: POLICY.screening.most_scouts]
    assert {each.planned.problem.in_channels for each in first} == {each.planned.problem.in_channels for each in asked}
    rest = ordered[POLICY.screening.most_scouts :]
    assert rest == [each for each in asked if each in rest]


def test_in_a_short_time_there_are_scouts_and_whole_groups_in_the_order_asked() -> None:
    names = tuple(f"b{number}" for number in range(12))
    asked = [task(problem, *names, group="one") for problem in problems(10)]
    asked += [task(problem, *names, group="huge") for problem in problems(300, channels=48)]
    asked += [task(problem, *names, group="two") for problem in problems(5, channels=32)]
    reach = Forecast(book(*names)).screening(asked, 60.0 / POLICY.screening.short_share)
    assert POLICY.screening.fewest_scouts <= len(reach.scouts) <= POLICY.screening.most_scouts
    assert all(len(each.backends) == 12 for each in reach.scouts)
    assert reach.whole == ("one", "two")
    assert reach.left_out == ("huge",)
    said = reach.said
    assert f"12 backends screened on {len(reach.scouts)} of them, those near the best on all" in said
    assert said.endswith("too short for the whole selection: one, two whole, without huge")


def test_where_not_one_group_fits_its_first_problems_do() -> None:
    asked = [task(problem, "a", "b") for problem in problems(50)]
    fitting = Forecast(book("a", "b")).fitting(asked, 6.0)
    assert 0 < len(fitting) < 50
    assert fitting == asked[: len(fitting)]


def test_networks_come_before_sweeps_and_collections_whatever_the_order_in_which_they_were_collected() -> None:
    """Of a short time nothing was left for a network where the sweeps were collected first."""
    plan = Plan()
    for problem, group in zip(problems(4), ("basics", "sweep-batch", "net-b", "net-a"), strict=True):
        plan.add(problem, 1, "a", Place(group, group))
    tasks = [TrialTask(planned, ("a",)) for planned in plan]
    assert list(groups(tasks)) == ["net-b", "net-a", "basics", "sweep-batch"]


def test_a_problem_of_two_groups_is_paid_for_once() -> None:
    (problem,) = problems(1)
    shared = TrialTask(PlannedTrial(problem, 1, [Place("one", "x"), Place("two", "y")], ["a"]), ("a",))
    assert groups([shared]) == {"one": [shared], "two": [shared]}
    assert Forecast(book("a")).fitting([shared], 10.0) == [shared]
    assert whole_groups([shared], {shared.planned.key}) == ("one", "two")
    assert whole_groups([shared], set()) == ()


def test_a_first_run_of_a_minute_is_not_without_the_projects_own_kernel() -> None:
    """By the usual costs, as nothing was measured yet. It had compiled for 15 s, and was the fastest."""
    asked = [task(problem, *costs._usual_costs()) for problem in problems(20)]
    assert ("numba-microkernel", 1) not in Forecast(CostBook(at_once=2)).too_slow(asked, 55.0)
