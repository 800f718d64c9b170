"""Whole models, optimised, beside themselves as they were, ``torch.compile`` and ONNX Runtime, on each machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pointwise_bench.common.formats import MODEL_WAYS, OPTIMISED
from pointwise_bench.report.analysis.collections.timed_models import gain_over, interval_facts, shown
from pointwise_bench.report.pages.files.csv_file import CsvFile

if TYPE_CHECKING:
    from pointwise_bench.report.analysis.overall.recorded import Recorded
    from pointwise_bench.report.plots.style import Look
    from pointwise_bench.report.reading.timed_models import TimedModel

TITLE: Final = "Whole models: what optimising them gains"

COLUMNS: Final = (
    *("machine", "model", "input", "threads", "measured_at", "way", "status", "reason", "median_s"),
    *("gain", "gain_low", "gain_high", "differs", "rounds", "starts"),
)


def over(runs: Sequence[Recorded], colours: Mapping[str, Look]) -> dict[str, Any] | None:
    """What fills the page; None where no whole model was measured on a machine of the runs."""
    machines = {run.machine: run.timed_models for run in runs if run.timed_models}
    if not machines:
        return None
    return {
        **interval_facts(),
        "machines": [(name, [shown(one) for one in models]) for name, models in sorted(machines.items())],
        "beside": [CsvFile("whole-models.csv", COLUMNS, list(_numbers(machines)))],
    }


def _numbers(machines: Mapping[str, Sequence[TimedModel]]) -> Iterator[Sequence[object]]:
    for machine, models in sorted(machines.items()):
        for model in models:
            sizes = "x".join(map(str, model.input))
            key = (machine, model.model, sizes, model.threads, model.measured_at)
            for name in (name for name in MODEL_WAYS if name in model.ways):
                way = model.ways[name]
                median = float(np.median(way.samples)) if way.samples.size else ""
                gain = (None if name == OPTIMISED else gain_over(model, name)) or ("", "", "")
                differs = "" if way.differs is None else way.differs
                counts = (len(way.samples), len(model.used))
                yield (*key, name, way.status, way.reason, median, *gain, differs, *counts)
