"""Who wins where on models in general, by the census of their layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pointwise_bench.common.shape_groups import CENSUS
from pointwise_bench.report.analysis.collections.use import ModelsInGeneral, models_in_general
from pointwise_bench.report.analysis.wording import joined, threads_of, times

if TYPE_CHECKING:
    from pointwise_bench.report.pages.run_analysis import RunAnalysis
    from pointwise_bench.report.plots.style import Look

TITLE: Final = "Models in general: who wins where, by use"

_NAMED: Final = 3


def view(found: RunAnalysis, colours: Mapping[str, Look]) -> dict[str, Any] | None:
    """What fills the page; None where the run has no time for a layer of the census."""
    budgets = models_in_general(found.timings, CENSUS)
    if not budgets:
        return None
    asked = {group.threads: len(group.layers) for group in found.groups if group.name == CENSUS}
    return {"budgets": [_budget(one, asked.get(one.threads, one.layers)) for one in budgets]}


def _budget(one: ModelsInGeneral, asked: int) -> dict[str, Any]:
    return {
        "title": threads_of(one.threads),
        "sentence": _sentence(one, asked),
        "backends": [
            (each.backend, _percent(each.led.use), _percent(each.led.work), times(each.behind)) for each in one.backends
        ],
        "kinds": [
            (
                kind.title,
                kind.layers,
                _percent(kind.share.use),
                _percent(kind.share.work),
                f"{kind.leader} on {_percent(kind.led)}" if kind.leader else "nobody is known to",
                _percent(kind.open),
            )
            for kind in one.kinds
        ],
    }


def _sentence(one: ModelsInGeneral, asked: int) -> str:
    """The finding; ``asked`` is how many layers stand for all."""
    measured = "" if one.layers == asked else f", of {asked} that stand for all"
    leading = [each for each in one.backends if each.led.use][:_NAMED]
    parts = [f"{each.backend} is the fastest on {_percent(each.led.use)}" for each in leading] or ["nobody leads"]
    return (
        f"Weighted by how often models use them, {joined(parts)}; on {_percent(one.open.use)} the evidence does not"
        f" tell ({one.layers} layers{measured}, for {one.occurrences:,} occurrences)."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
