"""The files of a report: the page, its plots, the tables and the summary."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any, Final

from pointwise_bench.common.at_once import at_once, at_once_by_list
from pointwise_bench.report.analysis.comparisons import COLUMNS as COMPARISON_COLUMNS
from pointwise_bench.report.analysis.overall.recorded import recorded
from pointwise_bench.report.analysis.timings import COLUMNS as TIMING_COLUMNS
from pointwise_bench.report.claims import claim_tables, claims_document
from pointwise_bench.report.pages.across.finding import pages_across
from pointwise_bench.report.pages.files.csv_file import write_frames
from pointwise_bench.report.pages.files.network_files import Viewed, network_files
from pointwise_bench.report.pages.rendering import Page, render
from pointwise_bench.report.pages.run_analysis import RunAnalysis
from pointwise_bench.report.pages.run_page import RunPlace, RunWork, cells_plotted, facts_of
from pointwise_bench.report.pages.stated_rules import stated_rules
from pointwise_bench.report.pages.views.finding import View, view_of, views_there
from pointwise_bench.report.plots.overview_plot import draw_picture
from pointwise_bench.report.plots.style import Look, looks
from pointwise_bench.report.reading.errors import ReportError

PAGE: Final = "index.html"

WORTH_SHARING: Final = 1000
"""Cells from which on the pages of a report are made by several processes: those of fewer are there meanwhile."""


def write_site(found: Sequence[RunAnalysis], folder: Path) -> Path:
    """Write the report of one or several runs into ``folder``; returns the path of its page.

    Each file takes the place of the one before as a whole, and what is there is not written to: in a stranger's run it
    could be a link to a file of the reader's. ``ReportError`` where such a link stands for the folder itself.
    """
    if folder.is_symlink() and any(folder.absolute().parent == one.run.folder.absolute() for one in found):
        raise ReportError(f"{folder}: is a link, which is not followed in a run's folder; remove it, or name --out DIR")
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".draft-", dir=folder) as draft:
        _write(found, Path(draft))
        for path in sorted(Path(draft).rglob("*")):
            place = folder / path.relative_to(draft)
            if path.is_dir():
                _make_folder(place)
            else:
                path.replace(place)
    return folder / PAGE


def _make_folder(place: Path) -> None:
    if place.is_symlink():
        place.unlink()
    place.mkdir(exist_ok=True)


def _write(found: Sequence[RunAnalysis], folder: Path) -> None:
    """All files, into a folder that holds nothing yet."""
    # In one order, however they were named: the same runs give the same bytes.
    ordered = sorted(found, key=lambda one: (one.run.started_at, one.run.machine, one.run.name))
    colours = looks(backend for one in ordered for backend in (*one.run.backends, *one.run.claims.backends))
    across = pages_across([recorded(one.run, one.timings, one.groups) for one in ordered], colours, PAGE)
    pages, runs = _pages_of_runs(ordered, colours, folder, across)
    pages += _claims(ordered, runs, folder)
    pages += [view.page for view in across]
    at_once([partial(page.write, folder) for page in pages], worth_it=_is_large(ordered))
    views = ((one, section) for one, run in zip(ordered, runs, strict=True) for section in run["sections"])
    for table in network_files(Viewed(one, section.group, section.behind.view) for one, section in views):
        table.write(folder)


def _is_large(found: Sequence[RunAnalysis]) -> bool:
    return sum(len(one.run.cells) for one in found) >= WORTH_SHARING


def _pages_of_runs(
    found: Sequence[RunAnalysis], colours: dict[str, Look], folder: Path, across: Sequence[View]
) -> tuple[list[Page], list[dict[str, Any]]]:
    """A page for each run, and an index where there are several; and what the runs' pages say.

    The pages behind those are written here, and the tables of all runs.
    """
    places = [_place(number, len(found), folder, cells) for number, cells in enumerate(cells_plotted(found), 1)]
    works = [RunWork(one, colours, place) for one, place in zip(found, places, strict=True)]
    views = [_view_jobs(one, colours, place) for one, place in zip(found, places, strict=True)]
    # All in one list: of several runs nobody waits for the last job of each.
    jobs: list[Sequence[Callable[[], Any]]] = [_table_jobs(found, folder), *views, *(work.jobs for work in works)]
    _, *done = at_once_by_list(jobs, worth_it=_is_large(found))
    pages: list[Page] = []
    runs: list[dict[str, Any]] = []
    behind, results = done[: len(found)], done[len(found) :]
    for one, place, work, own, result in zip(found, places, works, behind, results, strict=True):
        run = work.page(result)
        runs.append(run | {"page": place.page})
        values = {"run": run, "rules": stated_rules([one.run]), "alone": len(found) == 1}
        pages.append(Page(place.page, "run.html", values | {"views": [*(view for view in own if view), *across]}))
    if len(found) > 1:
        pages.append(Page(PAGE, "index.html", {"runs": runs, "across": across}))
    pages.append(Page("summary.md", "summary.md", {"runs": runs}))
    return pages, runs


def _place(number: int, runs: int, folder: Path, plotted: int) -> RunPlace:
    """Two runs have the same groups: with several, a number tells their files apart."""
    return RunPlace(folder, *((PAGE, "") if runs == 1 else (f"run-{number}.html", f"{number}-")), plotted)


def _table_jobs(found: Sequence[RunAnalysis], folder: Path) -> list[Callable[[], None]]:
    return [
        partial(write_frames, [one.timings for one in found], TIMING_COLUMNS, folder / "timings.csv"),
        partial(write_frames, [one.comparisons for one in found], COMPARISON_COLUMNS, folder / "comparisons.csv"),
    ]


def _view_jobs(found: RunAnalysis, colours: Mapping[str, Look], place: RunPlace) -> list[Callable[[], View | None]]:
    return [partial(_written_view, module, found, colours, place) for module in views_there()]


def _written_view(module: ModuleType, found: RunAnalysis, colours: Mapping[str, Look], place: RunPlace) -> View | None:
    view = view_of(module, found, colours, place.prefix, place.page)
    return view.written(place.folder) if view else None


def _claims(found: Sequence[RunAnalysis], runs: Sequence[dict[str, Any]], folder: Path) -> list[Page]:
    """The page of what a 1x1 convolution buys, where a run asked that; writes its table."""
    asked = [one for one in found if one.run.claims.claims]
    if not asked:
        return []
    tables = [claim_tables.tabulate(one.run, one.gains, one.ceilings) for one in asked]
    write_frames(tables, claim_tables.COLUMNS, folder / "claims.csv")
    return [Page("claims.html", "claims.html", {"runs": runs, "rules": stated_rules(one.run for one in found)})]


def claims_text(found: RunAnalysis) -> dict[str, str]:
    """Predicted and measured gains of a run in Markdown, for a document: a table by number of the claim."""
    if not found.gains:
        how = "pytest suites/ --benchmark-only --shapes claims"
        raise ReportError(f"{found.run.folder}: holds no measured claim; make one with {how!r}")
    return claims_document.tables(found.run, found.gains, found.ceilings)


def readme_text(found: RunAnalysis) -> str:
    """The summary of a run in Markdown, for a README."""
    return render("readme.md", run=facts_of(found))


def write_picture(found: RunAnalysis, path: Path) -> Path:
    """The overview picture of a run."""
    title = f"{found.run.machine}, {found.run.started_at[:10]}"
    return draw_picture(found.groups, found.timings, looks(found.run.backends), title, path).path
