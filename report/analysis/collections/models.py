"""The model that a group's layers were taken from: which share of it they are, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pointwise_bench.report.analysis.wording import joined

if TYPE_CHECKING:
    from pointwise_bench.report.reading.run import Run

_NAMED: Final = 3


@dataclass(frozen=True)
class NotMeasured:
    """A part of a model that was left out, its ``share`` of the multiply-adds in words, and ``names`` of operations."""

    what: str
    count: int
    share: str
    names: str


@dataclass(frozen=True)
class ModelTaken:
    """A model of which layers were measured: ``sentence`` on their share, and the parts that were not."""

    title: str
    sentence: str
    left_out: tuple[NotMeasured, ...]


def models_of(run: Run) -> list[ModelTaken]:
    """Every model that layers of the run were taken from."""
    return [
        ModelTaken(model["title"], share_of_model(run, group), tuple(_part(part, model) for part in model["left_out"]))
        for group, model in run.settings["models"].items()
    ]


def share_of_model(run: Run, group: str) -> str:
    """A sentence on what the layers of a group are of their model, and on what they are not; empty without a model."""
    model = run.settings["models"].get(group)
    if model is None:
        return ""
    total, left = model["multiply_adds"], sum(part["multiply_adds"] for part in model["left_out"])
    layers = {one["problem"].id: one["count"] for one in run.settings["selection"] if one["group"] == group}
    said = (
        f"{len(layers)} distinct layers, {sum(layers.values())} by occurrence, of {model['title']}: "
        f"{_percent(max(0, total - left), total)} of its {_amount(total)} multiply-adds"
    )
    parts = sorted(model["left_out"], key=lambda part: -part["multiply_adds"])
    if not parts:
        return f"{said}; nothing was left out."
    further = len(parts) - _NAMED
    named = [f"{part['what']} ({_share(part, model)})" for part in parts[: len(parts) if further == 1 else _NAMED]]
    return f"{said}. Left out: {joined([*named, f'{further} more kinds'] if further > 1 else named)}."


def _part(part: Mapping[str, Any], model: Mapping[str, Any]) -> NotMeasured:
    more = ", ..." if part["count"] > len(part["names"]) else ""
    return NotMeasured(part["what"], part["count"], _share(part, model), ", ".join(part["names"]) + more)


def _share(part: Mapping[str, Any], model: Mapping[str, Any]) -> str:
    if part["unknown"] >= part["count"]:
        return "not known"
    share = _percent(part["multiply_adds"], model["multiply_adds"])
    return f"{share}, without {part['unknown']} of unknown size" if part["unknown"] else share


def _percent(part: int, total: int) -> str:
    return f"{100 * part / total:.2f} %" if total else "0 %"


def _amount(multiply_adds: int) -> str:
    for unit, size in (("G", 10**9), ("M", 10**6)):
        if multiply_adds >= size:
            return f"{multiply_adds / size:.2f} {unit}"
    return f"{multiply_adds:,}"
