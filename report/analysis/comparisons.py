"""Every pair of backends of a run, compared; where they are many, every pair with one of the fastest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pointwise_bench.common.verdict_rule import MARGIN
from pointwise_bench.report.analysis.series import series_of
from pointwise_bench.report.reading.cells import ReadCell
from pointwise_bench.report.reading.run import Run
from pointwise_bench.report.statistics.chosen_pairs import MOST_AGAINST_ALL, chosen_pairs, every_two
from pointwise_bench.report.statistics.starts import Disagreement
from pointwise_bench.report.statistics.verdicts import Chosen, Field, Pairs, Series

COLUMNS: Final = (
    *("machine", "run", "problem", "threads", "backend_a", "backend_b", "ratio", "low", "high", "verdict"),
    *("outputs", "rounds", "starts"),
)
UNPUBLISHED: Final = ("sign_tested", "low_of_all", "high_of_all")
"""What further analysis goes by, and readers of a table do not: see :class:`verdicts.Pairs`."""

_MEASURED: Final[Mapping[str, type[np.generic]]] = {
    "ratio": np.float64,
    "low": np.float64,
    "high": np.float64,
    "low_of_all": np.float64,
    "high_of_all": np.float64,
    "verdict": np.str_,
    "rounds": np.int64,
    "starts": np.int64,
    "sign_tested": np.bool_,
}


def compare_run(
    run: Run,
    margin: float = MARGIN,
    usual: Mapping[int, Disagreement] | None = None,
    baseline: str | None = None,
) -> pd.DataFrame:
    """Every pair of comparable backends of one problem and thread budget: ``COLUMNS`` and ``UNPUBLISHED``.

    Of more than :data:`chosen_pairs.MOST_AGAINST_ALL` backends, the pairs with one of the fastest or ``baseline``.
    ``usual`` is what is known of starts by thread budget, where it is not to be learnt from ``run`` itself.
    """
    met = _comparable(run.cells)
    fields = _fields(met, baseline)
    usual = _usual(run, fields) if usual is None else usual
    judged = {threads: iter(field.judged(margin, usual[threads])) for threads, field in fields.items()}
    found = [next(judged[threads]) for _, threads in met]  # each budget's problems are in the order of all
    sizes = [len(pairs.ratio) for pairs in found]
    columns: dict[str, object] = {"machine": run.machine, "run": run.name}
    columns["problem"] = np.repeat(np.array([problem for problem, _ in met], dtype=object), sizes)
    columns["threads"] = np.repeat(np.array([threads for _, threads in met], dtype=np.int64), sizes)
    ordered = [cell for cells in met.values() for cell in cells]
    begins = np.repeat(np.cumsum([0, *map(len, met.values())])[:-1], sizes)
    of_a, of_b = (_joined(found, side, np.int64) + begins for side in ("first", "second"))
    backends, outputs = (
        np.array([getattr(cell, name) for cell in ordered], dtype=object) for name in ("backend", "output")
    )
    columns |= {"backend_a": backends[of_a], "backend_b": backends[of_b]}
    for column, kind in _MEASURED.items():
        columns[column] = _joined(found, column, kind)
    columns["outputs"] = outputs[of_a] + "/" + outputs[of_b]
    return pd.DataFrame(columns, index=range(sum(sizes)), columns=[*COLUMNS, *UNPUBLISHED])


def _joined(found: Sequence[Pairs], column: str, kind: type[np.generic]) -> NDArray[Any]:
    nothing = np.zeros(0, dtype=kind)
    return np.concatenate([nothing, *(getattr(pairs, column) for pairs in found)])


def not_all_compared(run: Run) -> bool:
    """Whether on some problem there are too many backends to compare every two."""
    few = len(run.backends) <= MOST_AGAINST_ALL
    return not few and any(len(cells) > MOST_AGAINST_ALL for cells in _comparable(run.cells).values())


def usual_disagreements(run: Run) -> dict[int, Disagreement]:
    """By thread budget, how much the starts of workers disagree over the run."""
    return _usual(run, _fields(_comparable(run.cells)))


def _usual(run: Run, fields: Mapping[int, Field]) -> dict[int, Disagreement]:
    first_look = run.settings["first_look"]
    known = {threads: field.usual(first_look) for threads, field in fields.items()}
    return defaultdict(lambda: Disagreement(first_look=first_look), known)


def _fields(met: Mapping[tuple[str, int], Sequence[ReadCell]], baseline: str | None = None) -> dict[int, Field]:
    """By thread budget the series of each of its problems, in their order."""
    problems: defaultdict[int, list[list[Series]]] = defaultdict(list)
    chosen: defaultdict[int, list[Chosen]] = defaultdict(list)
    for (_, threads), cells in met.items():
        series = [series_of(cell) for cell in cells]
        problems[threads].append(series)
        chosen[threads].append(_chosen(cells, series, baseline))
    return {threads: Field(series, chosen[threads]) for threads, series in problems.items()}


def _chosen(cells: Sequence[ReadCell], series: Sequence[Series], baseline: str | None) -> Chosen:
    if len(cells) <= MOST_AGAINST_ALL:
        return every_two(len(cells))
    middles = [float(np.median(one.log_seconds)) for one in series]
    return chosen_pairs(middles, [number for number, cell in enumerate(cells) if cell.backend == baseline])


def _comparable(cells: Iterable[ReadCell]) -> dict[tuple[str, int], list[ReadCell]]:
    grouped: defaultdict[tuple[str, int], list[ReadCell]] = defaultdict(list)
    for cell in cells:
        if cell.comparable_to_others:
            grouped[cell.problem.id, cell.threads].append(cell)
    return {key: sorted(group, key=lambda cell: cell.backend) for key, group in grouped.items() if len(group) > 1}
