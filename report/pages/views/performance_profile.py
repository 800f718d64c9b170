"""On which share of the problems each backend is within a factor of the fastest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pointwise_bench.report.analysis.overall.performance_profile import Profile, Profiles, performance_profiles
from pointwise_bench.report.analysis.wording import DASH, threads_of, times
from pointwise_bench.report.pages.files.csv_file import CsvFile
from pointwise_bench.report.plots.line_chart import Curve, LineChart, Scale, line_chart

if TYPE_CHECKING:
    from pointwise_bench.report.pages.run_analysis import RunAnalysis
    from pointwise_bench.report.plots.style import Look

TITLE: Final = "Performance profiles: who is never far from the fastest"

FACTORS: Final = (1.0, 1.02, 1.1, 1.25, 1.5, 2.0, 4.0, 10.0)
"""Of the table's columns; the first is being the fastest, the second the margin of verdicts."""

REASONS: Final = ("refused", "failed", "set apart", "not measured")
"""Of a problem without a time, in the order of ``Without``."""

MOST_DRAWN: Final = 12
"""Backends with a curve: nobody tells more of them apart. The table has all."""

_FURTHEST: Final = 32.0
_PLACES: Final = 161
"""Of a curve, in equal proportions: a hundredth of a factor at its left end, where curves differ most."""
_NEAR: Final = 1.5
_NAMED: Final = 2


def view(found: RunAnalysis, colours: Mapping[str, Look]) -> dict[str, Any] | None:
    """What fills the page; None where no two backends were compared."""
    budgets = performance_profiles(found.timings, found.comparisons)
    if not budgets:
        return None
    file = CsvFile("performance-profile.csv", ("threads", "backend", "problems", "factor"), list(_numbers(budgets)))
    # Of the reasons for having no time, those that some backend has: a wide table hides its last columns.
    given = [
        place for place in range(len(REASONS)) if any(each.without[place] for one in budgets for each in one.backends)
    ]
    return {
        "budgets": [_budget(one, given, colours) for one in budgets],
        "factors": FACTORS,
        "reasons": [REASONS[place] for place in given],
        "beside": [file],
    }


def _budget(one: Profiles, given: Sequence[int], colours: Mapping[str, Look]) -> dict[str, Any]:
    said = _sentence(one)
    return {
        "title": threads_of(one.threads),
        "sentence": said,
        "chart": _chart(one, said, colours),
        "left_out": max(0, len(_timed(one)) - MOST_DRAWN),
        "rows": [_row(each, given) for each in one.backends],
    }


def _timed(one: Profiles) -> list[Profile]:
    return [each for each in one.backends if each.factors]


def _sentence(one: Profiles) -> str:
    """The finding: who is fastest most often, and who is near to the fastest most often."""
    first = one.backends[0]
    near = sorted(one.backends, key=lambda each: (-each.within(_NEAR), -each.within(1)))[:_NAMED]
    parts = [f"{each.backend} on {_percent(each.within(_NEAR))}" for each in near]
    lone = f"; {one.lone} more have the time of a single backend and are left out" if one.lone else ""
    return (
        f"Of {one.problems} problems {first.backend} is the fastest on {_percent(first.within(1))}; within"
        f" {times(_NEAR)} of the fastest are {', '.join(parts)}{lone}."
    )


def _chart(one: Profiles, said: str, colours: Mapping[str, Look]) -> LineChart:
    drawn = _timed(one)[:MOST_DRAWN]
    furthest = min(_FURTHEST, max(2.0, *(each.factors[-1] for each in drawn)))
    x = Scale("time over the fastest one's", 1.0, furthest, unit="×")  # noqa: RUF001  # the multiplication sign is meant
    y = Scale("share of the problems within that factor", 0.0, 100.0, logarithmic=False, unit=" %")
    series = [Curve(each.backend, colours[each.backend], _curve(each, furthest)) for each in drawn]
    return line_chart(f"Performance profiles, {threads_of(one.threads)}: {said}", x, y, series)


def _curve(one: Profile, furthest: float) -> list[tuple[float, float]]:
    places = [furthest ** (number / (_PLACES - 1)) for number in range(_PLACES)]
    return [(place, 100 * one.within(place)) for place in places]


def _row(one: Profile, given: Sequence[int]) -> tuple[str, list[str]]:
    """Of who has no time at all, no share: it was not refused by some problems, but was not there."""
    shares = [_percent(one.within(factor)) if one.factors else DASH for factor in FACTORS]
    worst = times(one.factors[-1]) if one.factors else DASH
    counts = [str(one.without[place] or "·") for place in given]
    return one.backend, [*shares, worst, str(len(one.factors)), *counts]


def _numbers(budgets: Sequence[Profiles]) -> Iterator[Sequence[object]]:
    """Every step of every curve: the factor of each problem that a backend has a time on."""
    for one in budgets:
        for each in one.backends:
            for factor in each.factors:
                yield one.threads, each.backend, each.problems, factor


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
