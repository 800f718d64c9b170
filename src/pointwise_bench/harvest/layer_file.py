"""The text of a file of layers: what ``--shapes`` reads, with comments on where it is from and what is missing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from typing import Final

from pointwise_bench.backends.problem import Problem
from pointwise_bench.common.whole_model import LeftOutPart, WholeModel
from pointwise_bench.harvest.operations import HarvestedModel
from pointwise_bench.harvest.pointwise import Harvest, LeftOut, PointwiseLayer

FIRST_WORDS: Final = "# Written by `pointwise-bench harvest`"
"""Begin every file, so that one can be told from a file that somebody has written by hand."""

_REQUIRED: Final = ("in_channels", "out_channels", "height", "width")
_MOST_NAMES: Final = 4
"""Of the operations that one reason leaves out."""
_LONGEST_TEXT: Final = 200
"""Characters of a title, of a layer's name or of a reason: a report takes no longer name."""


@dataclass(frozen=True)
class Reason:
    """All that is left out for one reason."""

    text: str
    names: tuple[str, ...]
    count: int
    macs: int
    unknown: int
    """Of the operations, those whose multiply-adds are not known."""


def reasons_of(left_out: Iterable[LeftOut]) -> list[Reason]:
    """What is left out, by reason: pointwise operations first, then the heaviest."""
    by_reason: dict[str, list[LeftOut]] = {}
    for each in left_out:
        by_reason.setdefault(each.reason, []).append(each)
    ordered = sorted(
        by_reason.items(), key=lambda item: (not item[1][0].is_pointwise, -sum(each.macs or 0 for each in item[1]))
    )
    return [
        Reason(
            text,
            tuple(each.name for each in all_of),
            sum(each.count for each in all_of),
            sum(each.macs or 0 for each in all_of),
            sum(each.count for each in all_of if each.macs is None),
        )
        for text, all_of in ordered
    ]


def text_of(model: HarvestedModel, harvest: Harvest) -> str:
    """The whole file, or only its comments where the model has no layer."""
    lines = [f"{FIRST_WORDS} from {_one_line(model.title)}{_in_brackets(model.details)}.", *summary(harvest)]
    lines = [line if line.startswith("#") else f"# {line}" for line in lines]
    if harvest.layers:
        lines += ["", *_table(model, harvest)]
    return "\n".join(lines) + "\n"


def summary(harvest: Harvest) -> list[str]:
    """What there is and what is missing, in lines that a comment and a terminal can hold."""
    occurrences = sum(layer.count for layer in harvest.layers)
    lines = [
        f"{len(harvest.layers)} distinct layers, {occurrences} by occurrence: {_percent(harvest.macs, harvest)} of the"
        f" model's {_macs(harvest.model_macs)} multiply-adds."
    ]
    reasons = reasons_of(harvest.left_out)
    if reasons:
        lines.append("Left out:")
    return lines + [f"  {_of_reason(reason, harvest)}" for reason in reasons]


def _of_reason(reason: Reason, harvest: Harvest) -> str:
    share = _percent(reason.macs, harvest)
    weight = "multiply-adds not known" if reason.unknown == reason.count else f"{share} of the multiply-adds"
    if 0 < reason.unknown < reason.count:
        weight += f", without {reason.unknown} whose sizes are not known"
    names = ", ".join(_one_line(name) for name in _first_names(reason))
    more = ", ..." if len({*reason.names}) > _MOST_NAMES else ""
    return f"{reason.count} times {reason.text}: {weight} ({names}{more})"


def _percent(macs: int, harvest: Harvest) -> str:
    return f"{100 * macs / harvest.model_macs:.2f} %" if harvest.model_macs else "0 %"


def _macs(macs: int) -> str:
    for unit, size in (("G", 10**9), ("M", 10**6)):
        if macs >= size:
            return f"{macs / size:.2f} {unit}"
    return str(macs)


def _in_brackets(details: str) -> str:
    return f" ({_one_line(details)})" if details else ""


# --- the table ----------------------------------------------------------------------------------------------------


def _table(model: HarvestedModel, harvest: Harvest) -> Iterator[str]:
    layers = harvest.layers
    common = _common(layers)
    yield f"source = {_quoted(model.title)}"
    yield from _model(whole(model, harvest))
    if common:
        yield f"common = {{ {', '.join(f'{key} = {_value(value)}' for key, value in common.items())} }}"
    yield ""
    yield "layer = ["
    for layer, name in zip(layers, _distinct(layers), strict=True):
        yield f"    {{ {', '.join(_cells(layer, name, common))} }},"
    yield "]"


def whole(model: HarvestedModel, harvest: Harvest) -> WholeModel:
    """What the layers are a part of, in words and numbers for the report."""
    parts = (
        LeftOutPart(reason.text, reason.count, reason.macs, reason.unknown, tuple(_first_names(reason)))
        for reason in reasons_of(harvest.left_out)
    )
    return WholeModel(model.title, harvest.model_macs, tuple(parts))


def _model(of: WholeModel) -> Iterator[str]:
    yield f"model = {{ title = {_quoted(of.title)}, multiply_adds = {of.multiply_adds}, left_out = ["
    for part in of.left_out:
        names = ", ".join(map(_quoted, part.names))
        yield (
            f"    {{ what = {_quoted(part.what)}, count = {part.count}, multiply_adds = {part.multiply_adds},"
            f" unknown = {part.unknown}, names = [{names}] }},"
        )
    yield "] }"


def _first_names(reason: Reason) -> Iterator[str]:
    return islice(dict.fromkeys(reason.names), _MOST_NAMES)


def _common(layers: Sequence[PointwiseLayer]) -> dict[str, object]:
    """What all layers share and is not said by default."""
    shared: dict[str, object] = {}
    for field in fields(Problem):
        values = {getattr(layer.problem, field.name) for layer in layers}
        if field.name not in _REQUIRED and len(values) == 1 and values != {field.default}:
            shared[field.name] = values.pop()
    return shared


def _distinct(layers: Sequence[PointwiseLayer]) -> list[str]:
    """Names of which none is there twice: a module that is called with two sizes has its image behind its name."""
    names: list[str] = []
    taken: set[str] = set()
    for layer in layers:
        plain = name = _one_line(layer.name)
        number = 1
        while name in taken:
            behind = f"@{layer.problem.height}x{layer.problem.width}" + (f"#{number}" if number > 1 else "")
            name = plain[: _LONGEST_TEXT - len(behind)] + behind
            number += 1
        taken.add(name)
        names.append(name)
    return names


def _cells(layer: PointwiseLayer, name: str, common: dict[str, object]) -> Iterator[str]:
    yield f"name = {_quoted(name)}"
    if layer.count != 1:
        yield f"count = {layer.count}"
    for field in fields(Problem):
        value = getattr(layer.problem, field.name)
        if field.name not in common and (field.name in (*_REQUIRED, "batch") or value != field.default):
            yield f"{field.name} = {_value(value)}"
    if layer.network_activation is not None:
        yield f"network_activation = {_quoted(layer.network_activation)}"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return _quoted(value) if isinstance(value, str) else str(value)


def _one_line(text: str) -> str:
    """The text with nothing that breaks a line or does not print: names come from files of anybody."""
    clean = "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))
    return clean[:_LONGEST_TEXT] or "?"


def _quoted(text: str) -> str:
    """As a basic string of TOML, whose escapes are those of JSON."""
    return json.dumps(_one_line(text), ensure_ascii=False)
