"""The site of many runs: an index, a report for each run, a history for each machine, and badges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pointwise_bench.common.formats import rules_of
from pointwise_bench.common.verdict_rule import MARGIN
from pointwise_bench.report.analysis.overall.recorded import Recorded, recorded
from pointwise_bench.report.analysis.trust.light import Light
from pointwise_bench.report.pages.across.finding import pages_across
from pointwise_bench.report.pages.group_pages import slug_of
from pointwise_bench.report.pages.network_view import Sentence, sentence_of
from pointwise_bench.report.pages.rendering import Page
from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.pages.site import PAGE, write_site
from pointwise_bench.report.plots.style import looks
from pointwise_bench.report.publishing.admission import Check, Rules, checks_of
from pointwise_bench.report.publishing.badge import badge, embed
from pointwise_bench.report.publishing.history import FEWEST_STARTS, SHARE_MARKED, Dated, histories
from pointwise_bench.report.reading.errors import ReportError
from pointwise_bench.report.reading.run import load_run

if TYPE_CHECKING:
    from pointwise_bench.report.analysis.groups import ReportGroup
    from pointwise_bench.report.pages.run_analysis import RunAnalysis
    from pointwise_bench.report.pages.views.finding import View

BADGES: Final = "badges"


@dataclass(frozen=True)
class Published:
    """What the index says of a run: its figures, and nothing of its samples, which would fill the memory."""

    machine: str
    name: str
    started_at: str
    folder: str
    finished: bool
    groups: Sequence[ReportGroup]
    sentences: Sequence[Sentence]
    badges: Sequence[str]
    cells: int
    valid: int
    light: Light
    checks: Sequence[Check]
    recorded: Recorded
    rules: str = ""

    @property
    def faults(self) -> list[Check]:
        """Why it would not be accepted today."""
        return [check for check in self.checks if check.fault]

    @property
    def coverage(self) -> str:
        """How many of its networks are whole, and how many cells have a time."""
        networks = [group for group in self.groups if group.is_network]
        whole = sum(group.is_whole for group in networks)
        of_networks = f"{whole} of {len(networks)} networks, " if networks else ""
        return f"{of_networks}{self.valid:,} of {self.cells:,} cells"


def publish(folders: Iterable[Path], out: Path, rules: Rules, say: Callable[[str], None]) -> tuple[Path, int]:
    """Write the site of the runs in ``folders``; the path of its index, and how many runs are in it.

    A run that cannot be read is named by ``say`` and left out. The same runs give the same bytes in any order.
    """
    shown: list[Published] = []
    policies: list[Mapping[str, Any]] = []
    for folder in sorted(set(folders), key=lambda one: (one.parent.name, one.name)):
        try:
            found = analyse(load_run(folder))
        except ReportError as error:
            say(str(error))
            continue
        policy = rules_of(found.run.settings["policy"])
        policies += [policy] * (policy not in policies)
        shown.append(_published(found, out, rules, letter_of(policies.index(policy))))
    shown.sort(key=lambda one: (one.started_at, one.machine, one.name), reverse=True)
    out.mkdir(parents=True, exist_ok=True)
    pages = _machines(shown)
    across = _across(shown)
    values = {"runs": shown, "machines": pages, "count": len(shown), "across": across}
    Page(PAGE, "publication.html", values).write(out)
    for page in (*pages.values(), *(view.page for view in across)):
        page.write(out)
    return out / PAGE, len(shown)


def letter_of(number: int) -> str:
    """A, B, ... Z, then AA: which runs were measured by the same rules."""
    first, last = divmod(number, 26)
    return (letter_of(first - 1) if first else "") + chr(ord("A") + last)


def _published(found: RunAnalysis, out: Path, rules: Rules, letter: str) -> Published:
    run = found.run
    place = Path("runs", slug_of(run.machine), slug_of(run.name))
    write_site([found], out / place)
    networks = [group for group in found.groups if group.is_network]
    return Published(
        machine=run.machine,
        name=run.name,
        started_at=run.started_at or run.name,
        folder=place.as_posix(),
        finished=run.settings["finished_at"] is not None,
        groups=found.groups,
        sentences=[sentence_of(group, found.baseline, found.light.level == "again") for group in networks],
        badges=[_write_badge(group, out, place) for group in networks],
        cells=len(run.cells),
        valid=sum(cell.timed for cell in run.cells),
        light=found.light,
        checks=checks_of(found, rules),
        recorded=recorded(run, found.timings, found.groups),
        rules=letter,
    )


def _write_badge(group: ReportGroup, out: Path, place: Path) -> str:
    """Beside the run's page; returns the line that shows it, from the top of the site."""
    path = place / BADGES / f"{slug_of(group.name)}-threads-{group.threads}.svg"
    (out / path).parent.mkdir(parents=True, exist_ok=True)
    (out / path).write_text(badge(group), encoding="utf-8")
    return embed(group.name, path.as_posix(), (place / PAGE).as_posix())


def _across(shown: Sequence[Published]) -> list[View]:
    """The pages over all runs."""
    runs = [one.recorded for one in shown]
    names = {backend for run in runs for network in run.networks for backend in network.backends}
    return pages_across(runs, looks(names), PAGE)


def _machines(shown: Sequence[Published]) -> dict[str, Page]:
    """A page for each machine: its runs, and the history of its networks."""
    pages = {}
    for machine in sorted({one.machine for one in shown}):
        own = [one for one in shown if one.machine == machine]
        dated = [Dated(one.started_at, f"{one.folder}/{PAGE}", one.rules, one.recorded.networks) for one in own]
        values: dict[str, Any] = {"machine": machine, "runs": own, "histories": histories(dated)}
        values |= {"fewest_starts": FEWEST_STARTS, "share": SHARE_MARKED, "margin": f"{100 * MARGIN:g} %"}
        pages[machine] = Page(f"machine-{slug_of(machine)}.html", "machine.html", values)
    return pages
