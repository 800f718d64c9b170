"""Entries made of runs: who leads on a problem by the report's verdicts, and the simplest of those who share a lead."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from pointwise_bench.common.formats import CACHES
from pointwise_bench.common.verdict_rule import MARGIN
from pointwise_bench.report.analysis.comparisons import usual_disagreements
from pointwise_bench.report.analysis.series import series_of
from pointwise_bench.report.reading.cells import ReadCell
from pointwise_bench.report.reading.run import Run
from pointwise_bench.report.statistics.leaders import leaders_of
from pointwise_bench.report.statistics.verdicts import Pairs, pair_up
from pointwise_bench.wisdom.entries import LARGEST_RATIO, LEAST_RATIO, Rival, Wisdom, WisdomEntry
from pointwise_bench.wisdom.here import computing
from pointwise_bench.wisdom.refusal import WisdomRefused
from pointwise_bench.wisdom.simplicity import simplest

_OPPOSITE = {"faster": "slower", "slower": "faster"}


def wisdom_of(runs: Sequence[Run]) -> Wisdom:
    """What ``runs`` teach, of one problem and thread budget the one that began last.

    :class:`WisdomRefused` where they are not of one machine with the same packages: a file is valid as a whole.
    """
    first = runs[0]
    packages = _packages(first)
    for run in runs[1:]:
        if run.machine != first.machine:
            raise WisdomRefused(
                f"{run.folder}: is of {run.machine}, and {first.folder} of {first.machine}: wisdom is of one machine"
            )
        if differing := sorted(dict(packages.items() ^ _packages(run).items())):
            raise WisdomRefused(
                f"{run.folder}: was measured with another {' and '.join(differing)} than {first.folder}: leave one out"
            )
    found: dict[tuple[str, int], WisdomEntry] = {}
    for run in sorted(runs, key=lambda one: one.started_at):
        found |= {(entry.problem.id, entry.threads): entry for entry in entries_of(run)}
    if not found:
        raise WisdomRefused(f"{first.folder}: has no time of a forward pass on the processor that can be compared")
    return Wisdom(first.machine, packages, tuple(found[key] for key in sorted(found)))


def _packages(run: Run) -> dict[str, str]:
    listed = run.settings["environment"].get("packages")
    if not isinstance(listed, Mapping) or not all(isinstance(each, str) for each in listed.values()):
        raise WisdomRefused(f"{run.folder}: does not say which packages it was measured with")
    return computing(listed)


def entries_of(run: Run) -> list[WisdomEntry]:
    """One for each problem and thread budget of which somebody has a time."""
    usual = usual_disagreements(run)
    return [
        _entry(run, cells, pair_up([series_of(cell) for cell in cells], MARGIN, usual[threads]))
        for (_, threads), cells in _usable(run.cells).items()
    ]


def _usable(cells: Iterable[ReadCell]) -> dict[tuple[str, int], list[ReadCell]]:
    """A plan is for arrays in memory that the processor reads, as a program has them: its input was just written."""
    hot = CACHES[0]
    grouped: defaultdict[tuple[str, int], list[ReadCell]] = defaultdict(list)
    for cell in sorted(cells, key=lambda cell: cell.backend):
        planned = cell.device == "cpu" and cell.problem.direction == "forward" and cell.problem.macs
        if planned and cell.comparable_to_others and cell.cache == hot:
            grouped[cell.problem.id, cell.threads].append(cell)
    return dict(grouped)


def _entry(run: Run, cells: Sequence[ReadCell], pairs: Pairs) -> WisdomEntry:
    names = [cell.backend for cell in cells]
    found = leaders_of(len(names), pairs)
    leading = {names[number] for number in found.leaders}
    chosen = simplest(leading)
    if len(names) == 1:
        why = "alone"
    elif not found.settled:
        why = "undecided"
    else:
        why = "simplest" if len(leading) > 1 else "faster"
    own = names.index(chosen)
    return WisdomEntry(
        problem=cells[own].problem,
        threads=cells[own].threads,
        run=run.name,
        backend=chosen,
        why=why,
        seconds=float(np.median(cells[own].samples)),
        rivals=tuple(sorted(_rivals(names, own, pairs), key=lambda rival: rival.ratio)),
    )


def _rivals(names: Sequence[str], own: int, pairs: Pairs) -> Iterable[Rival]:
    """The others beside ``own``, each by their common rounds; who has none in common is left out."""
    for place, (a, b) in enumerate(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)):
        if own not in (a, b) or not pairs.rounds[place]:
            continue
        ratio, low, high = (float(column[place]) for column in (pairs.ratio, pairs.low, pairs.high))
        verdict = str(pairs.verdict[place])
        if own == b:  # a pair's ratio is time of b over time of a, and its verdict is said of a
            ratio, low, high, verdict = 1 / ratio, 1 / high, 1 / low, _OPPOSITE.get(verdict, verdict)
        # Of few rounds on a disturbed machine an interval may be of any width: the file's reader would refuse it.
        ratio, low, high = (min(LARGEST_RATIO, max(LEAST_RATIO, float(f"{each:.5g}"))) for each in (ratio, low, high))
        other = names[a if own == b else b]
        yield Rival(other, ratio, low, high, verdict, int(pairs.rounds[place]), int(pairs.starts[place]))
