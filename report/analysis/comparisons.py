"""Every pair of backends of a run, compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

import pandas as pd

from pointwise_bench.common.verdict_rule import MARGIN
from pointwise_bench.report.analysis.series import series_of
from pointwise_bench.report.reading.cells import ReadCell
from pointwise_bench.report.reading.run import Run
from pointwise_bench.report.statistics.starts import Disagreement
from pointwise_bench.report.statistics.verdicts import Pairs, pair_up, usual_disagreement

COLUMNS: Final = (
    *("machine", "run", "problem", "threads", "backend_a", "backend_b", "ratio", "low", "high", "verdict"),
    *("outputs", "rounds", "starts"),
)


def compare_run(run: Run, margin: float = MARGIN, usual: Mapping[int, Disagreement] | None = None) -> pd.DataFrame:
    """Every pair of comparable backends of one problem and thread budget: ``COLUMNS`` and ``sign_tested``.

    ``usual`` is what is known of starts by thread budget, where it is not to be learnt from ``run`` itself.
    """
    columns: dict[str, list[object]] = {name: [] for name in (*COLUMNS, "sign_tested")}
    usual = usual_disagreements(run) if usual is None else usual
    for (problem, threads), cells in _comparable(run.cells).items():
        pairs = _pair_up(cells, margin, usual[threads])
        names = [cell.backend for cell in cells]
        outputs = [cell.output for cell in cells]
        size = len(pairs.ratio)
        for column, value in (("machine", run.machine), ("run", run.name), ("problem", problem), ("threads", threads)):
            columns[column] += [value] * size
        columns["backend_a"] += [names[index] for index in pairs.first]
        columns["backend_b"] += [names[index] for index in pairs.second]
        columns["outputs"] += [f"{outputs[a]}/{outputs[b]}" for a, b in zip(pairs.first, pairs.second, strict=True)]
        for column in ("ratio", "low", "high", "verdict", "rounds", "starts", "sign_tested"):
            columns[column] += getattr(pairs, column).tolist()
    return pd.DataFrame(columns)


def usual_disagreements(run: Run) -> dict[int, Disagreement]:
    """By thread budget, how much the starts of workers disagree over the run."""
    nothing_known = Disagreement(first_look=run.settings["first_look"])
    found: defaultdict[int, list[Pairs]] = defaultdict(list)
    for (_, threads), cells in _comparable(run.cells).items():
        found[threads].append(_pair_up(cells, MARGIN, nothing_known))
    known = {threads: usual_disagreement(pairs, nothing_known.first_look) for threads, pairs in found.items()}
    return defaultdict(lambda: nothing_known, known)


def _pair_up(cells: Iterable[ReadCell], margin: float, usual: Disagreement) -> Pairs:
    return pair_up([series_of(cell) for cell in cells], margin, usual)


def _comparable(cells: Iterable[ReadCell]) -> dict[tuple[str, int], list[ReadCell]]:
    grouped: defaultdict[tuple[str, int], list[ReadCell]] = defaultdict(list)
    for cell in cells:
        if cell.comparable_to_others:
            grouped[cell.problem.id, cell.threads].append(cell)
    return {key: sorted(group, key=lambda cell: cell.backend) for key, group in grouped.items() if len(group) > 1}
