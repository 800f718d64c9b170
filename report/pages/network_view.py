"""What a reader sees first of a network: one sentence, a bar for each backend, and a strip of its layers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from pointwise_bench.common.shape_groups import CENSUS
from pointwise_bench.common.verdict_rule import MARGIN
from pointwise_bench.report.analysis.collections.models import share_of_model
from pointwise_bench.report.analysis.collections.timed_models import whole_model_said
from pointwise_bench.report.analysis.groups import ReportGroup, Standing
from pointwise_bench.report.analysis.network_totals import Ratio, Total
from pointwise_bench.report.analysis.overall.in_sequence import passes_of
from pointwise_bench.report.analysis.series import Columns, values_of
from pointwise_bench.report.analysis.wording import above_roof, duration, first_of, shown_sign, times
from pointwise_bench.report.pages.commands import measure, options_of
from pointwise_bench.report.pages.layer_strip import Segment, strip
from pointwise_bench.report.plots.style import Look
from pointwise_bench.report.reading.run import Run

MOST_BARS: Final = 40
"""Of backends; whoever measures more has the table."""
_MENU: Final = 24
"""Backends that can be the baseline: the page holds every two of their ratios."""
_NAMED: Final = 3

_ONCE: Final = "In a forward pass each layer comes once, with weights of its own"
_FOR_PASSES: Final = "3m"
"""A time budget in which a run measures passes, too."""


@dataclass(frozen=True)
class Bar:
    """One backend's speed against the baseline: ends of bar and interval in percent of the width."""

    backend: str
    paint: str
    text: str
    total: str
    sign: str
    length: float
    low: float
    high: float


@dataclass(frozen=True)
class Sentence:
    """``use`` is what to use, printed bold; ``sure`` where nobody else could be the fastest."""

    title: str
    use: str
    rest: str
    sure: bool


HEAVIEST: Final = 3
"""Layers that are named below the strip."""


@dataclass(frozen=True)
class NetworkView:
    """``one`` is where the line of the baseline stands, in percent; ``ratios`` are what a script needs to move it.

    ``incomplete`` are backends with some of the layers, ``absent`` those with none, each with what it has or lacks.
    ``command`` measures what is missing or not yet certain; empty where nothing is. ``model`` says which share of its
    model the layers are, where that is known, and ``whole`` what optimising all of it gains, where that was measured.
    ``in_one_pass`` is what all layers are expected to take in a forward pass; ``pass_command`` measures it where the
    run has not.
    """

    sentence: Sentence
    baseline: str
    menu: tuple[str, ...]
    bars: tuple[Bar, ...]
    further: int
    one: float
    ratios: str
    incomplete: tuple[tuple[str, str], ...]
    absent: tuple[tuple[str, str], ...]
    segments: tuple[Segment, ...]
    winners: tuple[tuple[str, str, int], ...]
    command: str
    model: str = ""
    whole: str = ""
    in_one_pass: str = ""
    pass_command: str = ""

    @property
    def heaviest(self) -> tuple[Segment, ...]:
        """The layers that take most of the time, where there are more than those; the strip shows it to eyes alone."""
        timed = [one for one in self.segments if not math.isnan(one.share)]
        ordered = sorted(timed, key=lambda one: (-one.share, one.number))
        return tuple(ordered[:HEAVIEST]) if len(timed) > HEAVIEST else ()


def network_view(
    run: Run,
    group: ReportGroup,
    timings: pd.DataFrame | Columns,
    baseline: str | None,
    colours: Mapping[str, Look],
    doubted: bool = False,
) -> NetworkView:
    """``timings`` are the rows of ``group`` alone. ``doubted``: see :func:`sentence_of`."""
    ranked = [standing for standing in group.standings if standing.total is not None and standing.behind is not None]
    if not group.is_whole:  # a part of a network has no total
        ranked = []
    names = [standing.backend for standing in ranked]
    against = group.compared.references if group.compared is not None else frozenset()
    choice = [name for name in names if name in against]  # of many, not all are compared with everybody
    chosen = baseline if baseline in choice else choice[0] if choice else ""
    bars, one = _bars(group, ranked[:MOST_BARS], chosen, colours, settled=not (group.undecided or doubted))
    segments = strip(group, timings, colours)
    in_one_pass, pass_command = _in_one_pass(run, group, ranked)
    return NetworkView(
        sentence=sentence_of(group, baseline, doubted),
        baseline=chosen,
        menu=tuple(dict.fromkeys([*choice[:_MENU], *([chosen] * bool(chosen))])),
        bars=bars,
        further=max(0, len(ranked) - MOST_BARS),
        one=one,
        ratios=_ratios(group, choice[:_MENU], chosen),
        incomplete=_incomplete(group, names),
        absent=_absent(group, timings),
        segments=segments,
        winners=_winners(segments),
        command=_command(run, group),
        model=share_of_model(run, group.name),
        whole=whole_model_said(run, group.name, group.threads),
        in_one_pass=in_one_pass,
        pass_command=pass_command,
    )


def _in_one_pass(run: Run, group: ReportGroup, ranked: Sequence[Standing]) -> tuple[str, str]:
    """By the passes that the run has measured; where it has none that is said, with the command that does.

    Nothing of what is no pass, or where layers were measured in another way than those.
    """
    own = [one for one in ranked if _is_usual(run, one.backend)]
    if not group.is_network or group.name == CENSUS or not own:
        return "", ""
    found = [(one, passes_of(run, group.name, group.threads, one.backend)) for one in own]
    said = [
        f"{_span(passes.expected(one.total))} of {one.backend}, of which {passes.rounds} passes took "
        f"{duration(passes.seconds)}, {times(*passes.over_sum)} its layers alone beside them"
        for one, passes in found
        if passes is not None and one.total is not None
    ]
    if said:
        return f"{_ONCE}. For all of them is expected, by passes at the end of this run: {'; '.join(said)}.", ""
    command = measure(options_of(run), [group.name], group.threads, [own[0].backend], time_budget=_FOR_PASSES)
    return f"{_ONCE}, which as a rule takes longer than the sum shown here; this run has not measured it:", command


def _is_usual(run: Run, backend: str) -> bool:
    first = next(cell for cell in run.cells if cell.backend == backend)
    return first.device == "cpu" and first.cache == "hot" and first.problem.direction == "forward"


def _span(total: Total) -> str:
    return f"{duration(total.seconds)} [{duration(total.low)}, {duration(total.high)}]"


# --- the sentence -------------------------------------------------------------------------------------------------


def sentence_of(group: ReportGroup, baseline: str | None, doubted: bool = False) -> Sentence:
    """Which backend to use, how far ahead it is of the next and of the baseline, and which share of the roof it has.

    Nothing is sure in a run that is ``doubted``, as one that has to be measured again (:mod:`analysis.trust.light`).
    """
    title = f"{group.called}, {group.threads} thread{'s' * (group.threads != 1)}"
    if not group.is_whole:
        missing = first_of([layer.name or layer.problem for layer in group.missing], _NAMED)
        said = f"{group.covered} of {len(group.layers)} layers have a time; missing: {missing}"
        return Sentence(title, "no total and no winner", said, sure=False)
    if not group.leaders:
        return Sentence(title, "no total and no winner", "no backend has comparable times for all layers", sure=False)
    use, parts = _who(group, doubted)
    slower, first = group.next_slower, group.leaders[0]
    if slower is not None and slower.behind is not None:
        parts.append(f"{_ratio(slower)} faster than {slower.backend} {_interval(slower)}")
    if first.of_roof == first.of_roof:
        parts.append(_of_roof(first.of_roof))
    usual = next((one for one in group.standings if one.backend == baseline and one.behind is not None), None)
    if usual is not None and usual not in (first, slower, *group.undecided[:1]):  # whose ratios are said already
        parts.append(f"{_ratio(usual)} over {usual.backend}")
    return Sentence(title, use, "; ".join(parts), sure=not (group.undecided or group.alone or doubted))


def _of_roof(share: float) -> str:
    """No share where it is more than all: then the roof is wrong, and a number would be believed."""
    if above_roof(share):
        return "above the roof, which was measured too low"
    return f"{100 * share:.0f} % of what this machine can do"


def _who(group: ReportGroup, doubted: bool) -> tuple[str, list[str]]:
    """What to use, and the sign that goes with it."""
    leaders = [one.backend for one in group.leaders]
    parts = [f"= equal within {100 * MARGIN:g} %"] * (len(leaders) > 1)
    unclear = group.undecided
    if unclear:
        against = f"{unclear[0].backend} ({_ratio(unclear[0])} {_interval(unclear[0])})" if unclear[0].behind else ""
        more = f" and {len(unclear) - 1} more" if len(unclear) > 1 else ""
        parts.append(f"? not enough evidence against {against or unclear[0].backend}{more}")
        return f"perhaps {_either(leaders)}", parts
    if group.alone:  # it has beaten nobody
        return f"only {leaders[0]} has times", parts
    if doubted:
        return f"perhaps {_either(leaders)}", [*parts, "this run has to be measured again"]
    return f"use {_either(leaders)}", parts


def _either(names: Sequence[str]) -> str:
    return " or ".join(names if len(names) <= _NAMED + 1 else [*names[:_NAMED], f"{len(names) - _NAMED} more"])


def _ratio(standing: Standing) -> str:
    return times(standing.behind.ratio) if standing.behind else ""


def _interval(standing: Standing) -> str:
    return times(*standing.behind).partition(" ")[2] if standing.behind else ""


# --- bars ---------------------------------------------------------------------------------------------------------


def _bars(
    group: ReportGroup, ranked: Sequence[Standing], baseline: str, colours: Mapping[str, Look], *, settled: bool
) -> tuple[tuple[Bar, ...], float]:
    """Longer is faster, so that a hopeless one takes no room from the others; and the place of the baseline.

    Nobody is the fastest where that is not ``settled``, as the sentence above says "perhaps" then.
    """
    if not ranked or group.compared is None:
        return (), 0.0
    over = group.compared.over(baseline)
    longest = max(1 / (own.low or own.ratio) for own in (over[one.backend] for one in ranked))
    bars = []
    for standing in ranked:
        ratio, low, high = over[standing.backend]
        bars.append(
            Bar(
                backend=standing.backend,
                paint=colours[standing.backend].paint,
                text=_speed(standing.backend, baseline, over[standing.backend]),
                total=duration(standing.total.seconds) if standing.total else "",
                sign=shown_sign(standing.sign or "", settled=settled),
                length=_percent(1 / ratio / longest),
                low=_percent(1 / high / longest),
                high=_percent(1 / low / longest) if _met(low, high) else 100.0,
            )
        )
    return tuple(bars), _percent(1 / longest)


def _speed(backend: str, baseline: str, taken: Ratio) -> str:
    """How fast it is against the baseline, of which ``taken`` says how long it takes."""
    ratio, low, high = taken
    if backend == baseline:
        return "baseline"
    return times(1 / ratio, 1 / high, 1 / low) if _met(low, high) else f"{times(1 / ratio)}, never in the same rounds"


def _met(low: float, high: float) -> bool:
    """Two that never met in a round of some layer, as those who had only time left over, have no interval."""
    return low > 0 and math.isfinite(high)


def _percent(share: float) -> float:
    return round(100 * share, 2)


def _ratios(group: ReportGroup, names: Sequence[str], baseline: str) -> str:
    """Every two ratios as the page writes them, with the numbers and ends that its bars are drawn by, as JSON.

    A script that wrote them itself would need the rule of their digits, and has numbers that are rounded already. An
    end that does not exist, of two that never met in a round of some layer, is null.
    """
    if group.compared is None or not names:
        return "[]"
    among = list(dict.fromkeys([*names, baseline]))
    rows = []
    for reference in among:
        over = group.compared.over(reference)
        rows.append([[_speed(name, reference, over[name]), *map(_end, over[name])] for name in among])
    return json.dumps(rows, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def _end(value: float) -> float | None:
    """Rounded; JSON has no word for infinite, and one over infinite is 0."""
    return float(f"{value:.4g}") if 0 < value < math.inf else None


def _incomplete(group: ReportGroup, ranked: Sequence[str]) -> tuple[tuple[str, str], ...]:
    whole = set(ranked)
    rest = [one for one in group.standings if one.timed and one.backend not in whole]
    count = len(group.layers)
    return tuple(
        (one.backend, f"{one.timed} of {count} layers" if one.timed < count else "never compared")
        for one in rest[:MOST_BARS]
    )


def _absent(group: ReportGroup, timings: pd.DataFrame | Columns) -> tuple[tuple[str, str], ...]:
    """Backends without any time, with the status and reason of their first cell."""
    nothing = {one.backend for one in group.standings if not one.timed}
    first: dict[str, tuple[str, str, str]] = {}
    columns = (values_of(timings[name]) for name in ("backend", "status", "reason"))
    for name, status, reason in zip(*columns, strict=True):
        if name in nothing:
            first.setdefault(name, (name, status, reason))
    said = sorted(list(first.values())[:MOST_BARS])
    return tuple((name, f"{status}: {reason}" if reason else status) for name, status, reason in said)


def _winners(segments: Sequence[Segment]) -> tuple[tuple[str, str, int], ...]:
    """The legend of the strip: backend, paint, and how many layers it has the shortest time of."""
    found: dict[tuple[str, str], int] = {}
    for segment in segments:
        if segment.winner:
            found[segment.winner, segment.paint] = found.get((segment.winner, segment.paint), 0) + 1
    return tuple((*key, count) for key, count in sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _command(run: Run, group: ReportGroup) -> str:
    """What would settle what the sentence leaves open: the whole network, since totals come from one run."""
    options = options_of(run)
    if not group.is_whole or not group.leaders:
        return measure(options, [group.name], group.threads)
    if group.undecided:
        rivals = sorted(one.backend for one in (*group.leaders, *group.undecided))
        return measure(options, [group.name], group.threads, rivals)
    return ""
