"""What a whole model gains by being optimised, and beside ``torch.compile`` and ONNX Runtime: ratios with intervals."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pointwise_bench.common.formats import EAGER, MODEL_WAYS, ONNX_RUNTIME, OPTIMISED, TORCH_COMPILE, WITHOUT_KERNEL
from pointwise_bench.common.verdict_rule import ALPHA, MARGIN
from pointwise_bench.report.analysis.network_totals import Ratio
from pointwise_bench.report.analysis.overall.scaling import sure
from pointwise_bench.report.analysis.wording import DASH, duration, joined, threads_of, times
from pointwise_bench.report.statistics.order_statistics import Clusters, interval_index

if TYPE_CHECKING:
    from pointwise_bench.report.reading.run import Run
    from pointwise_bench.report.reading.timed_models import ComputedLayer, TimedModel

TITLES: Final = {
    EAGER: "as it was",
    OPTIMISED: "optimised",
    WITHOUT_KERNEL: "without our kernel",
    TORCH_COMPILE: "torch.compile",
    ONNX_RUNTIME: "ONNX Runtime",
}
_MARKS: Final = {"faster": "", "slower": "▼ "}


@dataclass(frozen=True)
class WayRow:
    """A line of the table: who, how long a call takes, how many times as fast the optimised model is, and how exact."""

    title: str
    time: str
    gain: str
    differs: str
    reason: str


@dataclass(frozen=True)
class ModelShown:
    """What pages and the terminal say of one."""

    title: str
    threads: int
    verdict: str
    evidence: str
    rows: tuple[WayRow, ...]
    layers_said: str
    layers: tuple[tuple[str, str, str, str], ...]
    """Of each its name, who computes it, what it has taken in, and why."""


def shown(model: TimedModel) -> ModelShown:
    """Five lines of a table, whoever is here: who is missing says why."""
    rows = tuple(_row(model, way) for way in MODEL_WAYS)
    layers = tuple((one.name, way_of(one), ", ".join(one.taken_in), one.why) for one in model.layers)
    verdict, evidence = verdict_of(model), evidence_of(model)
    return ModelShown(model.model, model.threads, verdict, evidence, rows, layers_said(model), layers)


def interval_facts() -> dict[str, str]:
    """The numbers of the rule, as a page says them."""
    return {"margin": f"{100 * MARGIN:g} %", "confidence": f"{100 * (1 - ALPHA):g} %"}


def gain_over(model: TimedModel, way: str) -> Ratio | None:
    """Time of another way over the optimised model's: the median of rounds, and an interval of 95 %.

    None where one of them has no time, or the rounds are too few for an interval.
    """
    other, ours = model.ways.get(way), model.ways[OPTIMISED]
    if interval_index(len(model.start)) is None:
        return None
    if other is None or not other.samples.size or not ours.samples.size:
        return None
    # What starts disagree by widens the interval: in each the ways were chosen, and memory laid out, anew.
    return Ratio(*Clusters.of(other.samples / ours.samples, model.start).median_interval())


def _row(model: TimedModel, way: str) -> WayRow:
    found = model.ways.get(way)
    if found is None or not found.samples.size:
        why = "not measured" if found is None else found.reason or found.status
        return WayRow(TITLES[way], DASH, DASH, DASH, f"not here: {why}")
    gain = None if way == OPTIMISED else gain_over(model, way)
    median = float(np.median(model.ways[OPTIMISED].samples if gain else found.samples))
    differs = DASH if way == EAGER or found.differs is None else f"{found.differs:.1e}"
    time = duration(median * gain.ratio if gain else median)  # so times stand to each other as the gains say
    said = _MARKS.get(sure(gain), "? ") + times(*gain) if gain else DASH
    return WayRow(TITLES[way], time, said, differs, "")


def verdict_of(model: TimedModel) -> str:
    """Whether optimising pays, in a sentence, which says so where it does not, and who is faster then."""
    verdict, pays = _verdict(model)
    gains = {way: gain_over(model, way) for way in (TORCH_COMPILE, ONNX_RUNTIME)}
    faster = [TITLES[way] for way, gain in gains.items() if gain is not None and sure(gain) == "slower"]
    if pays or not faster:
        return verdict
    return f"{verdict} {joined(faster)} {'is' if len(faster) == 1 else 'are'} surely faster."


def _verdict(model: TimedModel) -> tuple[str, bool]:
    """And whether it pays."""
    gain = gain_over(model, EAGER)
    if gain is None:
        why = model.ways[OPTIMISED].reason or "too few rounds for an interval"
        return f"Leave it as it is: nothing is known of the optimised model ({why}).", False
    measured = times(*gain)
    if not any(model.used):
        why = model.why[0] if model.why else "no reason is told"
        return f"Leave it as it is: nothing was found that is faster here ({why}).", False
    if sure(gain) != "faster":
        said = f"optimised it is {measured} as fast as it was, which is not surely faster"
        return f"Leave it as it is: {said}.", False
    left = sum(not one for one in model.used)
    some = f"; in {left} of {len(model.used)} starts it was left as it was" if left else ""
    return f"Optimised it is {measured} as fast as it was{_beside_rivals(model)}{some}.", True


def _beside_rivals(model: TimedModel) -> str:
    said = []
    for way in (TORCH_COMPILE, ONNX_RUNTIME):
        if (gain := gain_over(model, way)) is not None:
            word = {"faster": "", "slower": " (which is faster)"}.get(sure(gain), " (not told apart)")
            said.append(f"{times(*gain)} as fast as {TITLES[way]}{word}")
    return f", {joined(said)}" if said else ""


def whole_model_said(run: Run, group: str, threads: int) -> str:
    """The sentence on the whole model that a group's layers were taken from; empty where it was not measured."""
    title = run.settings["models"].get(group, {}).get("title")
    own = [one for one in run.timed_models if (one.model, one.threads) == (title, threads)]
    return f"The whole model: {verdict_of(own[0])}" if own else ""


def evidence_of(model: TimedModel) -> str:
    """What was measured, and how often."""
    sizes = "x".join(map(str, model.input))
    starts = len(model.used)
    return (
        f"Input {sizes}, {threads_of(model.threads)}, {len(model.start)} rounds in {starts} "
        f"start{'s' * (starts != 1)}{f', {model.measured_at[:10]}' if model.measured_at else ''}"
    )


def layers_said(model: TimedModel) -> str:
    """How many layers are computed by whom, starts that differ named as such; empty where none are told."""
    if not model.layers:
        return ""
    counts = Counter(way_of(layer) for layer in model.layers)
    who = ", ".join(f"{count} by {way}" for way, count in counts.most_common())
    left = "" if any(model.used) else ", were the model not left as it was"
    count = len(model.layers)
    return f"{count} layer{'s' * (count != 1)}: {who}{left}"


def way_of(layer: ComputedLayer) -> str:
    """Who computes a layer; all that did where starts chose differently."""
    return " or ".join(dict.fromkeys(way for way in layer.ways if way)) or "nobody"
