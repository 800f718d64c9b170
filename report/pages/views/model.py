"""The model that was named to ``run --model``: the layers' share of it, what was left out, and the whole."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pointwise_bench.report.analysis.collections.models import models_of
from pointwise_bench.report.analysis.collections.timed_models import ModelShown, interval_facts, shown

if TYPE_CHECKING:
    from pointwise_bench.report.pages.run_analysis import RunAnalysis
    from pointwise_bench.report.plots.style import Look
    from pointwise_bench.report.reading.timed_models import TimedModel

TITLE: Final = "The model: which part of it was measured, what was left out, and the whole of it"
_MADE_BY_NAME: Final = ("torchvision:", "timm:")


def view(found: RunAnalysis, colours: Mapping[str, Look]) -> dict[str, Any] | None:
    """What fills the page; None where no layer of the run was taken from a model."""
    models = models_of(found.run)
    if not models:
        return None
    whole = [(one, *_whole(one.title, found.run.timed_models)) for one in models]
    return {"models": whole, **interval_facts()}


def _whole(title: str, timed: tuple[TimedModel, ...]) -> tuple[list[ModelShown], str]:
    """What was measured of the whole model; where nothing was, the command that does, if it is known."""
    own = [shown(one) for one in timed if one.model == title]
    if own or not title.startswith(_MADE_BY_NAME):
        return own, ""
    return [], shlex.join(["pointwise-bench", "optimize", title])
