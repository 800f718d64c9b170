"""After how many calls preparing has paid off: of a network's passes, and of each layer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from pointwise_bench.report.analysis.overall.break_even import BreakEven, Payback, of_layers, of_networks
from pointwise_bench.report.analysis.wording import DASH, duration, threads_of
from pointwise_bench.report.pages.files.csv_file import CsvFile
from pointwise_bench.report.plots.line_chart import Curve, LineChart, Scale, line_chart

if TYPE_CHECKING:
    from pointwise_bench.report.pages.run_analysis import RunAnalysis
    from pointwise_bench.report.plots.style import Look

TITLE: Final = "Break-even: after how many calls preparing has paid off"

MOST_DRAWN: Final = 12
MOST_NETWORKS: Final = 12
"""With a section of their own; all are in the file."""
MOST_LAYERS: Final = 120
"""Rows of the table of layers."""

COLUMNS: Final = (
    *("threads", "network_or_layer", "problem", "backend", "ahead_s", "call_s", "rival", "state"),
    *("calls", "calls_low", "calls_high"),
)
_MOST_CALLS: Final = 1e6
"""To which the picture goes."""
_PLACES: Final = 121


def view(found: RunAnalysis, colours: Mapping[str, Look]) -> dict[str, Any] | None:
    """What fills the page; None where no two backends that say how long they prepare were compared."""
    networks = of_networks(found.groups, found.timings)
    layers = of_layers(found.timings, found.comparisons)
    if not networks and not layers:
        return None
    return {
        "networks": [_network(one, colours) for one in networks[:MOST_NETWORKS]],
        "more_networks": max(0, len(networks) - MOST_NETWORKS),
        "budgets": _budgets(layers),
        "beside": [CsvFile("break-even.csv", COLUMNS, list(_numbers([*networks, *layers])))],
    }


def _network(one: Payback, colours: Mapping[str, Look]) -> dict[str, Any]:
    said = _sentence(one)
    return {
        "title": f"{one.name}, {threads_of(one.threads)}",
        "sentence": said,
        "chart": _chart(one, said, colours),
        "rows": [
            (each.backend, _text(each), each.rival or DASH, duration(each.spent.ahead), duration(each.spent.call))
            for each in one.break_evens
        ],
    }


def _sentence(one: Payback) -> str:
    """The finding: who has spent least, from how many passes on."""
    (_, first), *later = one.ladder
    steps = "; ".join(f"from {calls:,} passes on {backend} has spent least" for calls, backend in later)
    return f"{first} has its first result soonest; {steps or 'nobody is known to overtake it'}."


def _text(one: BreakEven) -> str:
    if one.state == "first":
        return "ready first"
    if one.state == "after":
        return f"{one.calls:,.0f} [{_count(one.low)}, {_count(one.high)}]"
    return "never" if one.state == "never" else "not enough evidence"


def _count(calls: float) -> str:
    return "∞" if calls == float("inf") else f"{calls:,.0f}"


def _chart(one: Payback, said: str, colours: Mapping[str, Look]) -> LineChart:
    """Seconds for each pass when preparing is divided among all of them."""
    drawn = one.break_evens[:MOST_DRAWN]
    places = [_MOST_CALLS ** (number / (_PLACES - 1)) for number in range(_PLACES)]
    curves = {
        each.backend: [(calls, 1e3 * (each.spent.ahead + (calls - 1) * each.spent.call) / calls) for calls in places]
        for each in drawn
    }
    shown = [seconds for curve in curves.values() for _, seconds in curve if seconds > 0] or [1.0]
    x = Scale("passes", 1, _MOST_CALLS)
    y = Scale("ms for each pass, what came before the first result divided among all", min(shown), 1.01 * max(shown))
    series = [Curve(name, colours[name], [(at, max(ms, y.low)) for at, ms in curve]) for name, curve in curves.items()]
    return line_chart(f"Break-even on {one.name}, {threads_of(one.threads)}: {said}", x, y, series)


# --- layers -------------------------------------------------------------------------------------------------------


def _budgets(layers: Sequence[Payback]) -> list[dict[str, Any]]:
    by_threads: defaultdict[int, list[Payback]] = defaultdict(list)
    for one in layers:
        by_threads[one.threads].append(one)
    return [_budget(threads, own) for threads, own in sorted(by_threads.items())]


def _budget(threads: int, layers: Sequence[Payback]) -> dict[str, Any]:
    of_backends: defaultdict[str, list[BreakEven]] = defaultdict(list)
    for one in layers:
        for each in one.break_evens:
            of_backends[each.backend].append(each)
    names = sorted(of_backends)
    columns = names[:MOST_DRAWN]
    return {
        "title": threads_of(threads),
        "summary": [(name, _summary(of_backends[name])) for name in names],
        "columns": columns,
        "rows": [(one.name, one.problem, _entries(one, columns)) for one in layers[:MOST_LAYERS]],
        "more": max(0, len(layers) - MOST_LAYERS),
    }


def _summary(found: Sequence[BreakEven]) -> list[str]:
    """On how many layers it is what, and after how many calls it pays off where it does."""
    counts = [sum(one.state == state for one in found) for state in ("first", "after", "never", "open")]
    calls = [one.calls for one in found if one.state == "after"]
    typical = f"{median(calls):,.0f} (≤ {max(calls):,.0f})" if calls else DASH
    return [str(len(found)), *(str(count or "·") for count in counts), typical]


def _entries(one: Payback, columns: Sequence[str]) -> list[str]:
    of = {each.backend: each for each in one.break_evens}
    words = {"first": "ready first", "never": "never", "open": "?"}
    return [DASH if name not in of else words.get(of[name].state) or f"{of[name].calls:,.0f}" for name in columns]


def _numbers(found: Sequence[Payback]) -> Iterator[Sequence[object]]:
    for one in found:
        for each in one.break_evens:
            yield (
                *(one.threads, one.name, one.problem, each.backend, each.spent.ahead, each.spent.call, each.rival),
                *(each.state, each.calls, each.low, each.high),
            )
