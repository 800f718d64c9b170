"""The model that was named to ``run --model``: which share of it the layers are, and all that was left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pointwise_bench.report.analysis.collections.models import models_of

if TYPE_CHECKING:
    from pointwise_bench.report.pages.run_analysis import RunAnalysis
    from pointwise_bench.report.plots.style import Look

TITLE: Final = "The model: which part of it was measured, and what was left out"


def view(found: RunAnalysis, colours: Mapping[str, Look]) -> dict[str, Any] | None:
    """What fills the page; None where no layer of the run was taken from a model."""
    models = models_of(found.run)
    return {"models": models} if models else None
