"""How much an unfinished run has begun: problems that its checkpoint has rounds of, and of which no cell is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pointwise_bench.common.formats import CHECKPOINT_FILE
from pointwise_bench.report.reading.errors import ReportError
from pointwise_bench.report.reading.json_lines import json_of_line, lines_of
from pointwise_bench.report.reading.run import Run
from pointwise_bench.report.reading.run_format import MOST_THREADS
from pointwise_bench.report.reading.value_readers import Defect, KeyRule, name, object_of, whole

_KEY: Final = object_of({"problem": KeyRule(name()), "threads": KeyRule(whole(1, MOST_THREADS))})


def begun(run: Run) -> int:
    """Counted by problem and thread budget; 0 where there is no checkpoint that can be read.

    Its times are shown nowhere: they are of fewer starts than verdicts ask for, and ``--resume`` makes cells of them.
    """
    whole = {(cell.problem.id, cell.threads) for cell in run.cells if cell.timed}
    return len(_keys(run.folder) - whole)


def _keys(folder: Path) -> set[tuple[str, int]]:
    found: set[tuple[str, int]] = set()
    try:
        for _, line in lines_of(folder / CHECKPOINT_FILE):
            try:
                entry = _KEY(json_of_line(line))
                found |= {(entry["problem"], entry["threads"])}
            except Defect:
                continue  # torn by the end of the run, as its last line may be
    except ReportError:
        pass
    return found
