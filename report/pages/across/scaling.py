"""How networks scale with threads, on each machine."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pointwise_bench.report.analysis.overall.scaling import Scaling, scalings, sure
from pointwise_bench.report.analysis.wording import DASH, duration, joined, threads_of, times
from pointwise_bench.report.pages.files.csv_file import CsvFile
from pointwise_bench.report.plots.line_chart import Curve, LineChart, Scale, line_chart

if TYPE_CHECKING:
    from pointwise_bench.report.analysis.network_totals import Ratio
    from pointwise_bench.report.analysis.overall.recorded import Recorded
    from pointwise_bench.report.plots.style import Look

TITLE: Final = "Scaling: what more threads buy"

MOST_DRAWN: Final = 12
MOST_COLUMNS: Final = 6
"""Thread budgets of a table; all are in the file."""
COLUMNS: Final = (
    *("machine", "network", "backend", "threads", "run", "total_s", "low_s", "high_s"),
    *("speedup", "speedup_low", "speedup_high"),
)


def over(runs: Sequence[Recorded], colours: Mapping[str, Look]) -> dict[str, Any] | None:
    """What fills the page; None where no run has a whole network."""
    found = scalings(runs)
    if not found:
        return None
    by_machine: defaultdict[str, list[Scaling]] = defaultdict(list)
    for one in found:
        by_machine[one.machine].append(one)
    return {
        "machines": [_machine(name, own, colours) for name, own in by_machine.items()],
        "beside": [CsvFile("scaling.csv", COLUMNS, list(_numbers(found)))],
    }


def _machine(name: str, found: Sequence[Scaling], colours: Mapping[str, Look]) -> dict[str, Any]:
    unknown = [one for one in found if not one.known]
    return {
        "name": name,
        "networks": [_network(one, colours) for one in found if one.known],
        "unknown": _unknown(unknown) if unknown else "",
        "command": _command(unknown) if unknown else "",
    }


def _unknown(found: Sequence[Scaling]) -> str:
    networks = joined(one.network for one in found)
    budgets = sorted({threads for one in found for threads in one.runs})
    recorded = joined(threads_of(each) for each in budgets)
    return f"Of {networks} only {recorded} {'was' if budgets == [1] else 'were'} recorded: no speed-up is known."


def _command(found: Sequence[Scaling]) -> str:
    """What measures one thread and what was recorded, in the rounds of one run; on a machine that has more, more."""
    words = ["pointwise-bench", "run"]
    for one in found:
        words += ["--shapes", one.network]
    # With one thread only, two are the least that tell something.
    for threads in sorted({1, *({threads for one in found for threads in one.runs} - {1} or {2})}):
        words += ["--threads", str(threads)]
    return shlex.join(words)


def _network(one: Scaling, colours: Mapping[str, Look]) -> dict[str, Any]:
    said = _sentence(one)
    budgets = list(one.runs)[:MOST_COLUMNS]
    of_runs = sorted(set(one.runs.values()))
    return {
        "title": one.network,
        "sentence": said,
        "chart": _chart(one, said, colours),
        "budgets": budgets,
        "rows": [(backend, [_entry(one, backend, threads) for threads in budgets]) for backend in _ordered(one)],
        "runs": joined(f"{threads_of(threads)} from {run}" for threads, run in one.runs.items())
        if len(of_runs) > 1
        else "",
        "left_out": one.left_out,
    }


def _ordered(one: Scaling) -> list[str]:
    """The fastest with the most threads first."""
    most = max(one.runs)
    return sorted(
        one.times,
        key=lambda name: (
            most not in one.times[name],
            one.times[name][most].seconds if most in one.times[name] else 0,
            name,
        ),
    )


def _sentence(one: Scaling) -> str:
    """The finding: who gains most from most threads, and who surely gains nothing."""
    most = max(threads for of in one.speedups.values() for threads in of)
    there = {name: of[most] for name, of in one.speedups.items() if most in of}
    best = max(there, key=lambda name: (there[name].ratio, name))
    gain = times(*there[best])
    lost = sorted(name for name, speedup in there.items() if sure(speedup) == "slower")
    slower = f"; surely slower than with one: {joined(lost)}" if lost else ""
    return f"{threads_of(most)} instead of one: {best} gains most, {gain} as fast, of {len(there)} backends{slower}."


def _entry(one: Scaling, backend: str, threads: int) -> tuple[str, str, str]:
    """Speed-up, its share of the threads, and the time."""
    total = one.times[backend].get(threads)
    if total is None:
        return DASH, "", ""
    speedup = one.speedups[backend].get(threads)
    if speedup is None:
        return ("1" if threads == 1 else DASH), "", duration(total.seconds)
    mark = {"slower": "▼ ", "faster": ""}.get(sure(speedup), "? ")
    return f"{mark}{times(*speedup)}", f"{100 * speedup.ratio / threads:.0f} %", duration(total.seconds)


def _chart(one: Scaling, said: str, colours: Mapping[str, Look]) -> LineChart:
    drawn = [name for name in _ordered(one) if one.speedups[name]][:MOST_DRAWN]
    points: dict[str, dict[int, Ratio]] = {name: dict(one.speedups[name]) for name in drawn}
    most = max(threads for of in points.values() for threads in of)
    ends = [end for of in points.values() for each in of.values() for end in (each.low, each.high)]
    x = Scale("threads", 1, most)
    y = Scale("speed over that with one thread", min(0.8, *ends) / 1.05, max(1.25, *ends) * 1.05)
    curves = [
        Curve(
            name,
            colours[name],
            [(1, 1), *((threads, each.ratio) for threads, each in of.items())],
            [(1, 1), *((each.low, each.high) for each in of.values())],
        )
        for name, of in points.items()
    ]
    return line_chart(f"Scaling of {one.network} on {one.machine}: {said}", x, y, curves, dots=True)


def _numbers(found: Sequence[Scaling]) -> Iterator[Sequence[object]]:
    for one in found:
        for backend, of in one.times.items():
            for threads, total in of.items():
                speedup = one.speedups[backend].get(threads) or (None, None, None)
                place = (one.machine, one.network, backend, threads, one.runs[threads])
                yield (*place, total.seconds, total.low, total.high, *speedup)
