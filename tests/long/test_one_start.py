"""The experiment behind the rule of screening and finals runs, and shows what METHODOLOGY says that it shows."""

from __future__ import annotations

from types import ModuleType

import pytest
from places import ROOT


@pytest.fixture
def one_start(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "docs/experiments"))
    import one_start

    return one_start


def test_one_start_is_little_where_nobody_is_aware_of_it_and_enough_where_it_is_allowed_for(
    one_start: ModuleType,
) -> None:
    machine = one_start.Machine("normal", 0.03, 0.03)
    today = one_start.identical(machine, 20, starts=3, rounds=8, first_look=3)
    unaware = one_start.identical(machine, 20, starts=1, rounds=14, first_look=1, start_sd=0.0)
    allowed = one_start.identical(machine, 20, starts=1, rounds=14, first_look=1)
    assert unaware > 0.1
    assert allowed <= today < 0.02


def test_screening_and_finals_settle_what_three_starts_do_with_fewer_turns(one_start: ModuleType) -> None:
    """A quiet machine: the fastest of all 18 never loses, nothing is said wrong, and two in five turns are spared."""
    machine = one_start.Machine("normal", 0.003, 0.01)
    today, course = one_start.three_starts(machine, 10), one_start.screening_and_finals(machine, 10)
    assert (course.wrong, course.fastest_lost) == (0.0, 0.0)
    assert course.settled >= today.settled - 0.2  # of ten problems
    assert course.turns < 0.75 * today.turns


def test_every_table_has_a_header_for_every_column(one_start: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_start, "SHIFTS", {"normal": one_start.SHIFTS["normal"]})
    for rows in (one_start.few_starts(1), one_start.whole_course(1)):
        header, *lines = list(rows)
        assert lines
        assert {len(line) for line in lines} == {len(header)}


def test_methodology_tells_what_the_experiment_simulates(one_start: ModuleType) -> None:
    """Their figures are of one whole run of it; a rule that changes has to take them along."""
    text = " ".join((ROOT / "docs/METHODOLOGY.md").read_text().split())
    assert f"with {one_start.HURRIED} rounds in each of three starts" in text
    assert f"by the rule above with {one_start.SCREENING}:" in text
    assert f"{len(one_start.SPEEDS)} backends from the fastest to {max(one_start.SPEEDS)} times as slow" in text
    assert (
        f"screening ({one_start.SCREENING} rounds, {one_start.FAR} of who is more than {one_start.FAR_OFF:g} times"
        in text
    )
    assert f"finals ({one_start.FINAL} rounds in each of five further starts at most)" in text
    assert one_start.MOST_STARTS - 1 == 5
