"""Everybody in one start: on all problems, or on a few and then those who came near. On a machine that is made up."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest
from simulated_machine import Made, SimulatedMachine, problems, run_of

from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.run.course.finals import Finals
from pointwise_bench.suites.harness.run.course.forecast import Forecast, Limits
from pointwise_bench.suites.harness.run.course.screening import Screening
from pointwise_bench.suites.harness.run.plan import TrialTask
from pointwise_bench.suites.harness.run.session import BudgetSpent, Session

FIELD = {f"b{number:02}": Made(speed=5e10 / 1.15**number) for number in range(12)}
"""Twelve backends, each 15 % slower than the one before: three are within half again the time of the fastest."""


def statuses(session: Session, name: str) -> dict[str, str]:
    """By problem, of one backend in a run that has ended."""
    return _all_statuses(session)[name]


@lru_cache(maxsize=1)
def _all_statuses(session: Session) -> dict[str, dict[str, str]]:
    """By backend and problem; each cell is read from its file."""
    assert session.run_folder is not None
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for cell in session.run_folder.cells:
        found[cell.backend][cell.problem] = cell.status
    return found


@pytest.fixture
def without_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose screening reaches what it reaches: nothing more behind the finals, however much time is left."""
    monkeypatch.setattr(Screening, "extend", lambda screening: False)


@pytest.fixture
def without_finals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ends with its screening: two thirds of the time of the longest runs here, of which nothing is asked.

    What finals take of the time is asked in test_finals.py.
    """
    monkeypatch.setattr(Finals, "run", lambda finals: None)


def test_where_the_time_allows_everybody_meets_on_every_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = SimulatedMachine(FIELD)
    session = run_of(machine, tmp_path, monkeypatch, {"net": problems(20)}, time_budget_s=300.0)
    for name in FIELD:
        assert list(statuses(session, name).values()) == ["ok"] * 20
    assert any("plan: 20 problems, 12 backends screened in about" in line for _, line in machine.said)


@pytest.mark.usefixtures("without_finals", "without_more")
@pytest.mark.parametrize(("busy", "everybody"), [(0.05, True), (0.2, False)])
def test_beside_other_programs_more_of_the_time_is_kept_for_the_finals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, busy: float, everybody: bool
) -> None:
    """What would fit into the usual share, with which most layers were left undecided there, is left to those near."""
    machine = SimulatedMachine(FIELD, busy_others=busy)
    session = run_of(machine, tmp_path, monkeypatch, {"net": problems(20)}, time_budget_s=80.0)
    assert (len(statuses(session, "b11")) == 20) is everybody
    assert len(statuses(session, "b00")) == 20
    said = [line for _, line in machine.said if "other programs keep 20 % of the cores busy" in line]
    assert len(said) == (not everybody)


def test_where_nobody_can_run_every_cell_says_what_is_lacking_and_the_run_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plugin with a typing error, alone: the run would end with no cell, for want of time, it would seem."""
    machine = SimulatedMachine({"mine": Made(lacks="failed to load: SyntaxError")})
    session = run_of(machine, tmp_path, monkeypatch, {"net": problems(3)}, time_budget_s=60.0)
    assert list(statuses(session, "mine").values()) == ["unavailable"] * 3
    assert session.account is not None
    assert session.account.shortfalls()[0].startswith(
        "nothing was measured: mine is unavailable: failed to load: SyntaxError"
    )
    assert "unfinished" not in next(session.account.what_next())


def test_in_a_short_budget_only_those_near_the_best_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = SimulatedMachine(FIELD)
    session = run_of(machine, tmp_path, monkeypatch, {"net": problems(20)}, time_budget_s=45.0)
    rule = POLICY.screening
    near = [name for number, name in enumerate(FIELD) if 1.15**number <= rule.near or number < rule.fewest_near]
    assert all(list(statuses(session, name).values()) == ["ok"] * 20 for name in near)
    assert len(statuses(session, list(FIELD)[len(near)])) < 20
    scouts = statuses(session, "b11")
    assert POLICY.screening.fewest_scouts <= len(scouts) < 20
    (open_problem, *_) = [each for each in problems(20) if each.id not in scouts]
    with pytest.raises(
        BudgetSpent, match=r"screened out: at least .* times slower than the best on each of \d+ problems"
    ):
        session.cell(open_problem, 1, "b11")
    assert machine.clock.now - 1000 <= 45.0


@pytest.mark.usefixtures("without_finals")
def test_groups_are_whole_in_the_order_asked_or_named_as_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = SimulatedMachine(FIELD)
    groups = {"first": problems(12), "huge": problems(80, channels=48), "second": problems(6, channels=32)}
    session = run_of(machine, tmp_path, monkeypatch, groups, time_budget_s=90.0)
    done = statuses(session, "b00")
    assert all(problem.id in done for problem in (*groups["first"], *groups["second"]))
    plan = [line for _, line in machine.said if line.startswith("plan: ")][-1]  # once everybody was started
    assert "first, second whole, without huge" in plan


@pytest.mark.usefixtures("without_finals")
@pytest.mark.usefixtures("without_more")
def test_who_prepares_for_long_is_given_a_share_of_the_problems_and_costs_others_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the slowest by far to prepare, and its problems are spread: not the first ones."""
    machine = SimulatedMachine(FIELD | {"compiler": Made(prepare_s=4.0, first_s=6.0)})
    groups = {"net": problems(40)}
    # Its costs are known from a run before.
    run_of(machine, tmp_path, monkeypatch, {"net": problems(3)}, time_budget_s=120.0)
    session = run_of(machine, tmp_path, monkeypatch, groups, time_budget_s=300.0)
    for name in FIELD:
        assert list(statuses(session, name).values()) == ["ok"] * 40
    own = statuses(session, "compiler")
    assert 2 <= len(own) <= 25
    assert set(own) != {problem.id for problem in groups["net"][: len(own)]}
    left_out = next(problem for problem in groups["net"] if problem.id not in own)
    with pytest.raises(BudgetSpent, match=rf"its fair share of the time budget was {len(own)} of 40 problems"):
        session.cell(left_out, 1, "compiler")


def test_where_time_is_left_who_had_a_share_is_measured_on_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the fastest, in a pass of its own; nobody else is started for it."""
    decided = {"fast": Made(speed=5e10), "slow": Made(speed=1e10), "slower": Made(speed=5e9)}
    compiler = Made(prepare_s=4.0, first_s=6.0, speed=2e10)
    machine = SimulatedMachine(decided | {"compiler": compiler})
    run_of(machine, tmp_path, monkeypatch, {"net": problems(3)}, time_budget_s=120.0)  # its costs are known then
    session = run_of(machine, tmp_path, monkeypatch, {"net": problems(45)}, time_budget_s=300.0)
    assert list(statuses(session, "compiler").values()) == ["ok"] * 45
    late = [line for _, line in machine.said if line.startswith("[the rest, ")]
    assert late
    assert all("best of 2" in line for line in late)
    assert machine.clock.now - 1000 <= 420.0


def test_who_is_measured_on_the_rest_meets_whoever_is_the_fastest_most_often_on_each_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the two would have no round in common on some layer, and their totals no ratio."""
    tasks, measure = list[TrialTask](), Screening._measure

    def noted(self: Screening, given: Sequence[TrialTask], *others: object) -> None:
        if len(others) > 1:  # a later pass
            tasks.extend(given)
        measure(self, given, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(Screening, "_measure", noted)
    own = {problem.id for problem in problems(45)[::3]}
    special = Made(speed=1e10, speed_on=lambda problem: 20.0 if problem.id in own else 1.0)
    compiler = Made(prepare_s=4.0, first_s=6.0, speed=2e10)
    machine = SimulatedMachine({"fast": Made(speed=5e10), "special": special, "compiler": compiler})
    run_of(machine, tmp_path, monkeypatch, {"net": problems(3)}, time_budget_s=120.0)  # its costs are known then
    run_of(machine, tmp_path, monkeypatch, {"net": problems(45)}, time_budget_s=300.0)
    fields = {frozenset(task.backends) for task in tasks}
    assert fields == {frozenset(("fast", "compiler")), frozenset(("fast", "special", "compiler"))}
    assert all(("special" in task.backends) == (task.planned.problem.id in own) for task in tasks)


def test_who_lacks_something_is_told_so_on_every_problem_reached_and_costs_no_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = SimulatedMachine(FIELD | {"absent": Made(lacks="needs a GPU")})
    session = run_of(machine, tmp_path, monkeypatch, {"net": problems(5)}, time_budget_s=200.0)
    assert set(statuses(session, "absent").values()) == {"unavailable"}
    assert len(statuses(session, "absent")) == 5


def test_the_first_problem_may_take_as_long_as_compiling_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of what is left, and not the fifth that any later answer may take."""
    machine = SimulatedMachine({"quick": Made(), "compiles": Made(first_s=15.0)})
    session = run_of(machine, tmp_path, monkeypatch, {"net": problems(4)}, time_budget_s=60.0)
    assert set(statuses(session, "compiles").values()) == {"ok"}


def test_the_plan_is_said_before_anything_is_started_and_from_known_costs_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = SimulatedMachine(FIELD)
    run_of(machine, tmp_path, monkeypatch, {"net": problems(5)}, time_budget_s=60.0)
    at, line = next((at, line) for at, line in machine.said if line.startswith("plan: "))
    assert at == 1000.0
    assert "not known yet" in line
    again = machine.clock.now
    run_of(machine, tmp_path, monkeypatch, {"net": problems(5)}, time_budget_s=60.0)
    at, line = next((at, line) for at, line in machine.said if line.startswith("plan: ") and at >= again)
    assert at == again
    assert "not known yet" not in line


@pytest.mark.usefixtures("without_finals")
@pytest.mark.usefixtures("without_more")
def test_costs_that_are_larger_than_foreseen_leave_the_others_their_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is known of a backend that takes four seconds to prepare; with it the selection would not fit."""
    machine = SimulatedMachine(FIELD | {"unknown": Made(prepare_s=4.0)})
    session = run_of(machine, tmp_path, monkeypatch, {"net": problems(60)}, time_budget_s=400.0)
    for name in FIELD:
        assert list(statuses(session, name).values()) == ["ok"] * 60
    assert 2 <= len(statuses(session, "unknown")) < 60
    assert any("since costs are larger than foreseen" in line for _, line in machine.said)
    assert machine.clock.now - 1000 <= 400


def test_where_everybody_costs_more_than_foreseen_those_near_the_best_meet_on_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = SimulatedMachine({name: Made(speed=one.speed, prepare_s=0.7) for name, one in FIELD.items()})
    session = run_of(machine, tmp_path, monkeypatch, {"net": problems(40)}, time_budget_s=240.0)
    assert list(statuses(session, "b00").values()) == ["ok"] * 40
    assert len(statuses(session, "b11")) < 40
    left_out = next(each for each in problems(40) if each.id not in statuses(session, "b11"))
    with pytest.raises(BudgetSpent, match="screened out"):
        session.cell(left_out, 1, "b11")


def test_who_is_near_is_not_told_by_the_quickest_problems_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_finals: None
) -> None:
    """Which come first: by them a backend was left out that is the fastest on all that is large."""
    members = problems(40)
    large = sorted(each.macs for each in members)[20]
    best = Made(speed=6e10, prepare_s=0.7, speed_on=lambda problem: 1.0 if problem.macs >= large else 0.1)
    field = {name: Made(speed=one.speed, prepare_s=0.7) for name, one in FIELD.items()} | {"best": best}
    machine = SimulatedMachine(field)
    session = run_of(machine, tmp_path, monkeypatch, {"net": members}, time_budget_s=260.0)
    assert any("who came near the best, since costs" in line for _, line in machine.said)
    assert list(statuses(session, "best").values()) == ["ok"] * 40


def test_what_people_use_goes_on_however_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A speed-up over it is what a reader would gain."""
    machine = SimulatedMachine(FIELD | {"torch-conv2d": Made(speed=1e10), "numpy-matmul": Made(speed=1e10)})
    session = run_of(machine, tmp_path, monkeypatch, {"net": problems(20)}, time_budget_s=50.0)
    measured = len(statuses(session, "b00"))
    assert len(statuses(session, "torch-conv2d")) == measured > len(statuses(session, "numpy-matmul"))


@pytest.mark.usefixtures("without_finals", "without_more")
def test_a_group_that_does_not_fit_once_costs_are_known_makes_room_for_a_smaller_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two networks were foreseen to fit, and of the second twelve of fifteen layers did, which have no winner."""

    def too_cheap(
        forecast: Forecast, tasks: Sequence[TrialTask], seconds: float, *, partly: bool = True
    ) -> tuple[list[TrialTask], Limits]:
        of = {task.planned.places[0].group for task in tasks}
        fits = {"first", "second"} if "first" in of else {"third"}
        return [task for task in tasks if task.planned.places[0].group in fits], {}

    monkeypatch.setattr(Forecast, "followed", too_cheap)
    asked = {"first": problems(12), "second": problems(14, channels=32), "third": problems(5, channels=48)}
    session = run_of(SimulatedMachine(FIELD), tmp_path, monkeypatch, asked, time_budget_s=60.0)
    done, scouts = statuses(session, "b00"), statuses(session, "b11")
    assert all(problem.id in done for problem in (*asked["first"], *asked["third"]))
    assert not any(problem.id in done and problem.id not in scouts for problem in asked["second"])


@pytest.mark.usefixtures("without_more")
def test_a_network_that_fits_in_the_place_of_the_finals_comes_before_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds_of_second: list[float] = []

    def fitting_without_finals(
        forecast: Forecast, tasks: Sequence[TrialTask], seconds: float, *, partly: bool = True
    ) -> tuple[list[TrialTask], Limits]:
        first = [task for task in tasks if task.planned.places[0].group == "first"]
        if first:
            return first, {}
        seconds_of_second.append(seconds)
        return [*tasks] if len(seconds_of_second) > 1 else [], {}

    monkeypatch.setattr(Forecast, "followed", fitting_without_finals)
    asked = {"first": problems(12), "second": problems(8, channels=32)}
    session = run_of(SimulatedMachine(FIELD), tmp_path, monkeypatch, asked, time_budget_s=45.0)
    done = statuses(session, "b00")
    assert all(problem.id in done for problem in (*asked["first"], *asked["second"]))
    beside_finals, in_their_place = seconds_of_second[:2]
    assert in_their_place > beside_finals


@pytest.mark.usefixtures("without_finals", "without_more")
def test_groups_without_a_total_that_were_foreseen_are_measured_behind_the_networks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where costs are larger than foreseen for everybody, and not for those near the best: all of the rest is."""
    asked = {"net": problems(30), "sweep-batch": problems(6, channels=16), "sweep-image": problems(6, channels=48)}
    field = {name: Made(speed=one.speed, prepare_s=0.3) for name, one in FIELD.items()}
    session = run_of(SimulatedMachine(field), tmp_path, monkeypatch, asked, time_budget_s=120.0)
    done = statuses(session, "b00")
    assert {name: sum(each.id in done for each in own) for name, own in asked.items()} == {
        "net": 30,
        "sweep-batch": 6,
        "sweep-image": 6,
    }
    assert len(statuses(session, "b11")) < 42


@pytest.mark.usefixtures("without_finals")
def test_behind_the_scouts_groups_follow_as_long_as_one_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What they cost is known better behind each, so it is asked again; a part of a group is asked for once at most."""
    whole = Forecast.followed
    partly_asked: list[bool] = []

    def one_group(
        forecast: Forecast, tasks: Sequence[TrialTask], seconds: float, *, partly: bool = True
    ) -> tuple[list[TrialTask], Limits]:
        partly_asked.append(partly)
        first = [task for task in tasks if task.planned.places[0].group == tasks[0].planned.places[0].group]
        return whole(forecast, first, seconds, partly=partly)

    monkeypatch.setattr(Forecast, "followed", one_group)
    monkeypatch.setattr(Screening, "extend", lambda screening: False)
    sweep = {"sweep-batch": problems(3, channels=16)}
    groups = {"first": problems(12)} | sweep | {"second": problems(14, channels=32), "third": problems(60, channels=48)}
    session = run_of(SimulatedMachine(FIELD), tmp_path, monkeypatch, groups, time_budget_s=60.0)
    done = statuses(session, "b00")
    assert all(problem.id in done for problem in (*groups["first"], *groups["second"]))
    scouts = statuses(session, "b11")
    for group in ("third", "sweep-batch"):  # a part, and what has no total: that follows behind the finals
        assert not any(problem.id in done and problem.id not in scouts for problem in groups[group])
    # First while it is chosen who is near; last in the place of the finals.
    assert partly_asked == [False, True, False, False, False]


@pytest.mark.usefixtures("without_finals", "without_more")
@pytest.mark.parametrize(
    ("time_budget_s", "limit", "rounds"),
    [
        (80.0, POLICY.screening.near_in_haste, POLICY.screening.rounds_in_haste),
        (130.0, POLICY.screening.near, POLICY.screening.rounds),
    ],
)
def test_fewer_go_on_where_not_every_network_would_be_whole_with_all_who_are_near(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, time_budget_s: float, limit: float, rounds: int
) -> None:
    """And in fewer rounds.

    Nine of fifteen were within 1.3 times the best on a noisy day, and a minute held two networks instead of four.
    """
    close = {f"b{number:02}": Made(speed=5e10 / 1.03**number) for number in range(12)}
    session = run_of(SimulatedMachine(close), tmp_path, monkeypatch, {"net": problems(40)}, time_budget_s=time_budget_s)
    found = _all_statuses(session)
    everywhere = sum(len(found[name]) == 40 for name in close)
    assert everywhere == pytest.approx(1 + math.log(limit) / math.log(1.03), abs=1.5)
    assert session.run_folder is not None
    assert min(len(cell.samples_s) for cell in session.run_folder.cells if cell.backend == "b00") == rounds


@pytest.mark.usefixtures("without_finals", "without_more")
def test_everybody_meets_everywhere_where_the_scouts_show_that_the_time_allows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is known of what backends cost here, and they cost a fifth of the usual."""
    cheap = Made(prepare_s=0.005, check_s=0.005, alone_s=0.005, first_s=0.1, start_s=0.1)
    machine = SimulatedMachine({name: replace(cheap, speed=made.speed) for name, made in FIELD.items()})
    session = run_of(machine, tmp_path, monkeypatch, {"net": problems(40)}, time_budget_s=75.0)
    assert any("12 backends screened on" in line for _, line in machine.said)
    assert any(line.startswith("plan: everybody on all others, too") for _, line in machine.said)
    for name in FIELD:
        assert list(statuses(session, name).values()) == ["ok"] * 40
