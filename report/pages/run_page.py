"""What the page says of one run: its facts, its sections with their tables, and its plots."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pointwise_bench.backends.problem import Problem
from pointwise_bench.report.analysis.backend_overview import overview, properties
from pointwise_bench.report.analysis.comparisons import not_all_compared
from pointwise_bench.report.analysis.correctness import correctness, failures, outcomes
from pointwise_bench.report.analysis.costs import costs
from pointwise_bench.report.analysis.groups import ReportGroup
from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.series import Columns, columns_of_parts, values_of
from pointwise_bench.report.analysis.trust.attacks import attacked
from pointwise_bench.report.analysis.trust.calibration import calibration
from pointwise_bench.report.analysis.trust.health import disturbed_share, turns_again, unreached, unstable, warnings
from pointwise_bench.report.analysis.wording import plainly, threads_of
from pointwise_bench.report.claims import claim_tables
from pointwise_bench.report.pages.answers import NetworkAnswer, answer, headline, verdict_counts
from pointwise_bench.report.pages.group_pages import COLUMNS, GroupPages, Surroundings, group_pages, slug_of
from pointwise_bench.report.pages.layer_pages import cells_by_key
from pointwise_bench.report.pages.layer_table import LayerTable, layer_table
from pointwise_bench.report.pages.run_analysis import RunAnalysis
from pointwise_bench.report.plots.claim_plot import draw_gains
from pointwise_bench.report.plots.heat_plot import draw_heat
from pointwise_bench.report.plots.roofline_plot import draw_roofline
from pointwise_bench.report.plots.style import Look, Picture
from pointwise_bench.report.plots.sweep_plot import draw_sweep
from pointwise_bench.report.reading.checkpoint import begun
from pointwise_bench.report.reading.run import Run

MOST_IN_FULL: Final = 12
"""Networks with bars and strip on the page of their run; of the others it has the sentence, and pages behind it."""

MOST_CELLS: Final = 6000
"""Whose times stand in tables on the page of their run; those of the groups behind them are on pages of their own."""

MOST_PLOTTED: Final = 2500
"""Cells in heat maps, over the groups of a run in their order: drawing them takes longer than all the rest."""

MOST_PLOTTED_OF_MANY: Final = 250
"""The same in a report of more than ``MOST_CELLS`` cells, over all of its runs from the newest on."""

FRAME_COSTS: Final = 40
"""Cells that could be drawn in the time that an empty plot takes; a small group counts as so many."""

MOST_TABLES: Final = 60
"""Groups with a table and a plot on the page of their run, however small they are."""


class Shown(NamedTuple):
    """A plot on a page: where it is from there, what it shows in words, and how wide it is."""

    source: str
    picture: Picture


def _shown(picture: Picture | None) -> Shown | None:
    return Shown(f"plots/{picture.path.name}", picture) if picture else None


@dataclass(frozen=True)
class Section:
    """One shape group on the page, under one thread budget."""

    group: ReportGroup
    answer: NetworkAnswer
    table: LayerTable | None
    plots: list[Shown]
    behind: GroupPages


@dataclass(frozen=True)
class RunPlace:
    """Where the pages of a run go: the folder, its page's name, and what the names of all other files begin with."""

    folder: Path
    page: str
    prefix: str
    plotted: int = MOST_PLOTTED
    """How many of its cells are drawn in heat maps and sweeps at most."""


def cells_plotted(found: Sequence[RunAnalysis]) -> list[int]:
    """How many cells of each run are plotted at most, ``found`` being in the order of their start."""
    sizes = [len(one.timings) for one in found]
    if sum(sizes) <= MOST_CELLS:
        return [MOST_PLOTTED] * len(found)
    left, shares = MOST_PLOTTED_OF_MANY, []
    for size in reversed(sizes):
        shares.append(left)
        left = max(0, left - size)
    return shares[::-1]


class RunWork:
    """The page of one run: ``jobs`` that take long and know nothing of each other, and what it shows of their results.

    The jobs write the run's plots, and the pages behind the one of the run.
    """

    jobs: Sequence[Callable[[], Section | Shown | None]]

    def __init__(self, found: RunAnalysis, colours: dict[str, Look], place: RunPlace) -> None:
        self._found, self._colours, self._place = found, colours, place
        around = Surroundings(cells_by_key(found.run), colours, place.page, place.prefix)
        drawn = list(_rooflines(found, colours, place.folder, place.prefix))
        self._titles = [title for title, _ in drawn]
        # A roofline takes longest and so comes first: nobody is to wait for one at the end.
        sections = (partial(_section, found, one, around, place) for one in _planned(found, place))
        self.jobs = [*(job for _, job in drawn), *sections]

    def page(self, done: Sequence[Any]) -> dict[str, Any]:
        """What fills its template; ``done`` is what the jobs returned."""
        found, drawn = self._found, len(self._titles)
        sections = cast("list[Section]", list(done[drawn:]))
        networks = [section for section in sections if section.group.is_network]
        path = self._place.folder / "plots" / f"{self._place.prefix}claims.svg"
        checked = correctness(found.run)
        return facts_of(found) | {
            "sections": sections,
            "in_full": networks[:MOST_IN_FULL],
            "in_short": networks[MOST_IN_FULL:],
            "rooflines": [(title, shown) for title, shown in zip(self._titles, done[:drawn], strict=True) if shown],
            "gains_plot": _gains_plot(found, self._colours, path),
            "correctness": checked,
            "outcomes": outcomes(checked),
            "costs": costs(found.run, found.comparisons, found.baseline),
            "device_clock": _device_clock(found),
        }


def facts_of(found: RunAnalysis) -> dict[str, Any]:
    """What the page, the summary and the README all say."""
    run = found.run
    finished = bool(run.settings.get("finished_at"))
    rates, rates_absent = calibration(run)
    return {
        "machine": run.machine,
        "name": run.name,
        "started_at": run.started_at,
        "finished": finished,
        "unreached": unreached(run),
        "begun": 0 if finished else begun(run),
        "warnings": warnings(run, found.timings),
        "disturbed": disturbed_share(run),
        "turns_again": turns_again(run),
        "unstable": unstable(run),
        "rates": rates,
        "rates_absent": rates_absent,
        "attacked": attacked(run),
        "controls": found.controls,
        "light": found.light,
        "left_out": run.defects,
        "headline": _headline(found),
        "answers": [(number, group, answer(group)) for number, group in enumerate(found.groups, 1)],
        "networks": [group for group in found.groups if group.is_network],
        "baseline": found.baseline,
        "verdicts": verdict_counts(found.comparisons, some_only=not_all_compared(run)),
        "failures": failures(run),
        "environment": _environment(run),
        "claims": claim_tables.sections(run.claims, found.gains, found.ceilings),
        "backends": overview(run, found.timings, found.groups, found.baseline),
        "properties": properties(run),
    }


def _headline(found: RunAnalysis) -> str:
    """Of networks; of claims where a run has nothing else to say."""
    claims = found.run.claims
    if not found.gains or any(group.is_network for group in found.groups):
        return headline(found.groups)
    backends = {gain.backend for gain in found.gains}
    return f"What a 1x1 convolution buys: {len(claims.claims)} claims, measured on {len(backends)} backends."


class _Planned(NamedTuple):
    """A section before it is made.

    ``columns`` are of the group's rows in the table of times; ``tabulated`` are those rows where the page has a table
    of them, ``plotted`` those of its plot.
    """

    group: ReportGroup
    columns: Columns
    tabulated: pd.DataFrame | None
    plotted: pd.DataFrame | None


def _planned(found: RunAnalysis, place: RunPlace) -> Iterator[_Planned]:
    """One after the other: selecting each group's rows from the whole table would take its square in time."""
    table = found.timings
    columns, is_timed = columns_of_parts(table, COLUMNS), table["median_s"].notna().to_numpy()
    numbers = _rows_by_group(table)
    of_sweep: defaultdict[str, list[NDArray[np.intp]]] = defaultdict(list)
    for (name, _), own in numbers.items():
        of_sweep[name].append(own)
    taken = drawn = 0
    nothing = np.empty(0, dtype=np.intp)
    for number, group in enumerate(found.groups):
        own = numbers.get((group.name, group.threads), nothing)
        taken += len(own)
        drawn += max(len(own), FRAME_COSTS)
        few = number < MOST_TABLES
        plotted = numbers.get((group.name, group.threads))
        if group.is_sweep:  # its plot holds all thread budgets, and only its first section shows it
            parts = of_sweep.pop(group.name, [])
            plotted = np.concatenate(parts) if parts else None
        in_table = few and taken <= MOST_CELLS and bool(is_timed[own].any())
        in_plot = few and drawn <= place.plotted
        yield _Planned(
            group=group,
            columns=columns(own),
            tabulated=table.iloc[own] if in_table else None,
            plotted=table.iloc[plotted] if in_plot and plotted is not None else None,
        )


def _rows_by_group(timings: pd.DataFrame) -> dict[tuple[str, int], NDArray[np.intp]]:
    """The numbers of each group's rows; in the order of the table, as those of a sweep are drawn."""
    found = timings.groupby(["group", "threads"], sort=False).indices
    rows = {cast("tuple[str, int]", key): np.asarray(own, dtype=np.intp) for key, own in found.items()}
    return dict(sorted(rows.items(), key=lambda item: int(item[1][0])))


def _section(found: RunAnalysis, planned: _Planned, around: Surroundings, place: RunPlace) -> Section:
    """Writes its plot and the pages behind it, which are much larger than what is said of them here."""
    group = planned.group
    table = layer_table(group, planned.tabulated, found.baseline) if planned.tabulated is not None else None
    plot = _plot(group, planned.plotted, around, place) if planned.plotted is not None else None
    behind = group_pages(found, group, planned.columns, around)
    for page in behind.pages:
        page.write(place.folder)
    return Section(group, answer(group), table, [plot] if plot else [], behind.written())


def _plot(group: ReportGroup, rows: pd.DataFrame, around: Surroundings, place: RunPlace) -> Shown | None:
    slug = place.prefix + slug_of(group.name)
    if group.is_sweep:
        return _shown(draw_sweep(group.name, rows, dict(around.colours), place.folder / "plots" / f"{slug}.svg"))
    return _shown(draw_heat(group, rows, place.folder / "plots" / f"{slug}-threads-{group.threads}.svg"))


def _rooflines(
    found: RunAnalysis, colours: dict[str, Look], folder: Path, prefix: str
) -> Iterator[tuple[str, Callable[[], Shown | None]]]:
    """The title, and what draws it, for every dtype and thread budget with a time."""
    timed = found.timings[found.timings["median_s"].notna()]
    known = set(zip(values_of(timed["problem"]), values_of(timed["threads"]), strict=True))
    for dtype, threads in sorted({(Problem.parse(problem).dtype, threads) for problem, threads in known}):
        path = folder / "plots" / f"{prefix}roofline-{dtype}-threads-{threads}.svg"
        draw = partial(_roofline, dtype, threads, timed, found.ceilings, colours, path)
        yield f"{dtype}, {threads_of(threads)}", draw


def _roofline(
    dtype: str, threads: int, timed: pd.DataFrame, ceilings: Roofs, colours: dict[str, Look], path: Path
) -> Shown | None:
    return _shown(draw_roofline(dtype, threads, timed, ceilings, colours, path))


def _gains_plot(found: RunAnalysis, colours: dict[str, Look], path: Path) -> Shown | None:
    return _shown(draw_gains(found.gains, colours, path))


def _device_clock(found: RunAnalysis) -> list[dict[str, Any]]:
    timed = found.timings[found.timings["device_median_s"].notna()]
    return [{str(key): value for key, value in row.items()} for row in timed.to_dict("records")]


def _environment(run: Run) -> list[tuple[str, str]]:
    said = run.settings.get("environment")
    if not isinstance(said, dict):
        return []
    facts = [(str(key).replace("_", " "), plainly(value)) for key, value in said.items() if key != "warnings"]
    return facts + [(f"what ran: {who}", told) for who, told in run.settings.get("ran", {}).items()]
