"""The files of a report: the page, its plots, the two tables and the summary."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from pointwise_bench.backends.problem import Problem
from pointwise_bench.common.status import STATUSES
from pointwise_bench.report.analysis import backend_tables, comparisons as compare, timings
from pointwise_bench.report.analysis.baseline import choose_baseline
from pointwise_bench.report.analysis.calibration import calibration
from pointwise_bench.report.analysis.groups import ReportGroup, group_up
from pointwise_bench.report.analysis.health import disturbed_share, unstable, warnings
from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.wording import duration, threads_of, times
from pointwise_bench.report.claims import document as claim_document, tables as claim_tables
from pointwise_bench.report.pages.tables import (
    IN_PROCESS,
    REUSED,
    LayerTable,
    NetworkAnswer,
    answer,
    headline,
    layer_table,
    verdict_counts,
)
from pointwise_bench.report.plots.claim_plot import draw_gains
from pointwise_bench.report.plots.heat_plot import draw_heat
from pointwise_bench.report.plots.overview_plot import draw_picture
from pointwise_bench.report.plots.roofline_plot import draw_roofline
from pointwise_bench.report.plots.style import Look, looks
from pointwise_bench.report.plots.sweep_plot import draw_sweep
from pointwise_bench.report.reading.errors import ReportError
from pointwise_bench.report.reading.run import Run


@dataclass(frozen=True)
class Findings:
    """All that a report says about one run, before it is put into words."""

    run: Run
    baseline: str | None
    ceilings: Roofs
    timings: pd.DataFrame
    comparisons: pd.DataFrame
    groups: list[ReportGroup]


@dataclass(frozen=True)
class Section:
    """One shape group on the page, under one thread budget."""

    group: ReportGroup
    answer: NetworkAnswer
    table: LayerTable | None
    plots: list[str]


def examine(run: Run, baseline: str | None = None) -> Findings:
    """Compute everything; ``baseline`` replaces the one chosen by rule."""
    ceilings = Roofs.of(run.settings)
    comparisons = compare.compare_run(run)
    table = timings.tabulate(run, comparisons, ceilings)
    chosen = baseline or choose_baseline(run)
    return Findings(run, chosen, ceilings, table, comparisons, group_up(run, table, comparisons, chosen))


def write_site(found: Sequence[Findings], folder: Path) -> Path:
    """Write the report of one or several runs into ``folder``; returns the path of its page."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_table([one.timings for one in found], timings.COLUMNS, folder / "timings.csv")
    _write_table([one.comparisons for one in found], compare.COLUMNS, folder / "comparisons.csv")
    colours = looks(backend for one in found for backend in (*one.run.backends, *one.run.claims.backends))
    # Two runs have the same groups: with several, a number tells their plots apart.
    prefixes = [""] if len(found) == 1 else [f"{number}-" for number in range(1, len(found) + 1)]
    runs = [_run_page(one, colours, folder, prefix) for one, prefix in zip(found, prefixes, strict=True)]
    _write_claims(found, runs, folder)
    page = folder / "index.html"
    page.write_text(_templates().get_template("index.html").render(runs=runs), encoding="utf-8")
    (folder / "summary.md").write_text(_templates().get_template("summary.md").render(runs=runs), encoding="utf-8")
    return page


def _write_claims(found: Sequence[Findings], runs: Sequence[dict[str, Any]], folder: Path) -> None:
    """The page and the table of what a 1x1 convolution buys, where a run asked that."""
    asked = [one for one in found if one.run.claims.claims]
    if not asked:
        return
    tables = [claim_tables.tabulate(one.run.machine, one.run.name, one.run.claims, one.ceilings) for one in asked]
    _write_table(tables, claim_tables.COLUMNS, folder / "claims.csv")
    (folder / "claims.html").write_text(_templates().get_template("claims.html").render(runs=runs), encoding="utf-8")


def claims_text(found: Findings) -> dict[str, str]:
    """Predicted and measured gains of a run in Markdown, for a document: a table by number of the claim."""
    if not found.run.claims.gains:
        how = "pytest suites/ --benchmark-only --shapes claims"
        raise ReportError(f"{found.run.folder}: holds no measured claim; make one with {how!r}")
    return claim_document.tables(found.run, found.ceilings)


def readme_text(found: Findings) -> str:
    """The summary of a run in Markdown, for a README."""
    return _templates().get_template("readme.md").render(run=_facts(found))


def write_picture(found: Findings, path: Path) -> Path:
    """The overview picture of a run."""
    title = f"{found.run.machine}, {found.run.started_at[:10]}"
    return draw_picture(found.groups, found.timings, looks(found.run.backends), title, path)


def _write_table(tables: Sequence[pd.DataFrame], columns: Sequence[str], path: Path) -> None:
    # Empty tables are left out: pandas would let their missing types change those of the others.
    filled = [table for table in tables if len(table)] or list(tables[:1])
    # Nine digits hold every nanosecond of a second-long call and keep the file a third of the size.
    pd.concat(filled)[list(columns)].to_csv(path, index=False, float_format="%.9g")


def _run_page(found: Findings, colours: dict[str, Look], folder: Path, prefix: str) -> dict[str, Any]:
    sections = [_section(found, group, colours, folder, prefix) for group in found.groups]
    return _facts(found) | {
        "sections": _one_plot_each(sections),
        "rooflines": _rooflines(found, colours, folder, prefix),
        "gains_plot": _gains_plot(found, colours, folder / "plots" / f"{prefix}claims.svg"),
        "correctness": backend_tables.correctness(found.run),
        "statuses": STATUSES,
        "costs": backend_tables.costs(found.run, found.comparisons, found.baseline),
        "device_clock": _device_clock(found),
    }


def _facts(found: Findings) -> dict[str, Any]:
    """What the page, the summary and the README all say."""
    run = found.run
    rates, rates_absent = calibration(run)
    return {
        "machine": run.machine,
        "name": run.name,
        "started_at": run.started_at,
        "warnings": warnings(run, found.timings),
        "disturbed": disturbed_share(run),
        "unstable": unstable(run),
        "rates": rates,
        "rates_absent": rates_absent,
        "left_out": run.defects,
        "headline": _headline(found),
        "answers": [(number, group, answer(group)) for number, group in enumerate(found.groups, 1)],
        "networks": [group for group in found.groups if group.is_network],
        "baseline": found.baseline,
        "verdicts": verdict_counts(found.comparisons),
        "failures": backend_tables.failures(run),
        "environment": _environment(run),
        "claims": claim_tables.sections(run.claims, found.ceilings),
        "backends": backend_tables.overview(run, found.timings, found.groups, found.baseline),
    }


def _headline(found: Findings) -> str:
    """Of networks; of claims where a run has nothing else to say."""
    claims = found.run.claims
    if not claims.gains or any(group.is_network for group in found.groups):
        return headline(found.groups)
    backends = {gain.backend for gain in claims.gains}
    return f"What a 1x1 convolution buys: {len(claims.claims)} claims, measured on {len(backends)} backends."


def _section(found: Findings, group: ReportGroup, colours: dict[str, Look], folder: Path, prefix: str) -> Section:
    rows = found.timings[found.timings["group"] == group.name]
    own = rows[rows["threads"] == group.threads]
    table = layer_table(group, own, found.baseline) if own["median_s"].notna().any() else None
    slug = prefix + _slug(group.name)
    if group.is_sweep:
        path = draw_sweep(group.name, rows, colours, folder / "plots" / f"{slug}.svg")
    else:
        path = draw_heat(group, own, folder / "plots" / f"{slug}-threads-{group.threads}.svg")
    return Section(group, answer(group), table, [f"plots/{path.name}"] if path else [])


def _slug(name: str) -> str:
    """``name`` as part of a file's name; what had to be changed or cut is told apart by a hash."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:80]
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}".lstrip("-")


def _one_plot_each(sections: Sequence[Section]) -> list[Section]:
    """A sweep's plot holds all thread budgets: only its first section shows it."""
    seen: set[str] = set()
    kept = []
    for section in sections:
        kept.append(
            Section(section.group, section.answer, section.table, [one for one in section.plots if one not in seen])
        )
        seen.update(section.plots)
    return kept


def _rooflines(found: Findings, colours: dict[str, Look], folder: Path, prefix: str) -> list[tuple[str, str]]:
    """(title, plot) for every dtype and thread budget with a time."""
    timed = found.timings[found.timings["median_s"].notna()]
    pairs = {
        (Problem.parse(problem).dtype, threads)
        for problem, threads in zip(timed["problem"], timed["threads"], strict=True)
    }
    drawn = []
    for dtype, threads in sorted(pairs):
        path = folder / "plots" / f"{prefix}roofline-{dtype}-threads-{threads}.svg"
        if draw_roofline(dtype, threads, timed, found.ceilings, colours, path):
            drawn.append((f"{dtype}, {threads_of(threads)}", f"plots/{path.name}"))
    return drawn


def _gains_plot(found: Findings, colours: dict[str, Look], path: Path) -> str | None:
    drawn = draw_gains(found.run.claims.gains, colours, path)
    return f"plots/{drawn.name}" if drawn else None


def _device_clock(found: Findings) -> list[dict[str, Any]]:
    timed = found.timings[found.timings["device_median_s"].notna()]
    return [{str(key): value for key, value in row.items()} for row in timed.to_dict("records")]


def _environment(run: Run) -> list[tuple[str, str]]:
    said = run.settings.get("environment")
    if not isinstance(said, dict):
        return []
    facts = [(str(key).replace("_", " "), _plainly(value)) for key, value in said.items() if key != "warnings"]
    return facts + [(f"what ran: {who}", told) for who, told in run.settings.get("ran", {}).items()]


def _plainly(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plainly(one)}" for key, one in value.items())
    return ", ".join(_plainly(one) for one in value) if isinstance(value, list) else str(value)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"REUSED": REUSED, "IN_PROCESS": IN_PROCESS, "MEASURES": claim_tables.MEASURES}
    environment.filters |= {"markdown": _markdown, "threads": threads_of, "times": times, "duration": duration}
    return environment


def _markdown(text: object) -> str:
    """Text safe inside a cell of a Markdown table: no column, line or tag of its own."""
    plain = " ".join(str(text).split())
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
