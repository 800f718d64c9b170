"""Selects two hundred layers that stand for all of the census.

Layers are points: the logarithms of the channels within a group, of the pixels and the groups, with steps for stride,
bias and activation. A layer weighs the mean of its shares of the use (how often it occurs in all models) and of the
work, for which every model counts alike: its multiply-adds over those of all 1x1 layers of a model, added up over
models, since a few giants would be most of a plain sum. Chosen is, one after the other, whichever layer lowers the
weighted squared distance from all layers to their nearest chosen one most; of equals the first by its place in the
file. Then each moves to the middle of those that are nearest to it, until none moves. There is no chance in it.
Every layer is then counted to its nearest chosen one, so that counts add up to those of the census. Layers that need
more than ``LARGEST`` multiply-adds are stood for by smaller ones: a budget has to afford two hundred.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pointwise_bench.suites.catalogue import CatalogueEntry, read

SELECTED: Final = 200
LARGEST: Final = 1_000_000_000
"""Multiply-adds: some 25 milliseconds on one core."""

_STRIDE, _BIAS, _ACTIVATION = 1.0, 0.3, 0.3
"""Steps, in octaves of a size."""
_MOST_MOVES: Final = 20

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Selected:
    """A layer that was chosen: ``count`` is how many occurrences it stands for, ``layers`` how many distinct ones."""

    layer: CatalogueEntry
    count: int
    layers: int


@dataclass(frozen=True)
class Selection:
    """What was chosen, and how near it is: octaves from a layer to its chosen one, the mean by weight."""

    chosen: list[Selected]
    octaves: float
    work: float
    """Multiply-adds of what was chosen by its counts, over those of the census."""


def select(layers: Sequence[CatalogueEntry], most: int = SELECTED) -> Selection:
    """Of ``layers``, as the module says."""
    points = _points(layers)
    macs = np.array([layer.problem.macs for layer in layers], dtype=np.float64)
    counts = np.array([layer.count for layer in layers], dtype=np.int64)
    works = np.array([_works_of(layer) for layer in layers])
    weights = (counts / counts.sum() + works / works.sum()) / 2
    affordable = np.flatnonzero(macs <= LARGEST)
    distances = np.maximum(_squares(points, points[affordable]), 0.0)
    chosen = _settled(_one_by_one(distances, weights, most), distances, weights)
    nearest = distances[:, chosen].min(axis=1)
    whose = np.argmin(distances[:, chosen], axis=1)
    picked = [
        Selected(layers[int(affordable[one])], int(counts[whose == place].sum()), int((whose == place).sum()))
        for place, one in enumerate(chosen)
    ]
    work = sum(each.count * each.layer.problem.macs for each in picked) / float(counts @ macs)
    octaves = float(weights @ np.sqrt(nearest))
    return Selection(sorted(picked, key=lambda each: -each.count * each.layer.problem.macs), octaves, work)


def said_of(models: int, works: float) -> str:
    """The source of a layer: in how many models it is, and how many models' work it does, each taken as one."""
    return f"{models} model{'s' * (models > 1)}, the work of {works:.4f}"


def _works_of(layer: CatalogueEntry) -> float:
    return float(layer.source.rpartition(" ")[2])


def _one_by_one(distances: Numbers, weights: Numbers, most: int) -> list[int]:
    """Columns of ``distances``, each of which lowers what is left most."""
    nearest = np.full(len(distances), distances.max() + 1)
    chosen: list[int] = []
    for _ in range(min(most, distances.shape[1])):
        left = weights @ np.minimum(nearest[:, None], distances)
        left[chosen] = np.inf
        chosen.append(int(np.argmin(left)))
        nearest = np.minimum(nearest, distances[:, chosen[-1]])
    return chosen


def _settled(chosen: list[int], distances: Numbers, weights: Numbers) -> list[int]:
    """Each moved to the middle of what it stands for, until none moves: the first one was the middle of everything."""
    for _ in range(_MOST_MOVES):
        whose = np.argmin(distances[:, chosen], axis=1)
        moved = []
        for place, one in enumerate(chosen):
            own = whose == place
            left = weights[own] @ distances[own] if own.any() else np.zeros(0)
            moved.append(int(np.argmin(left)) if own.any() else one)
        if moved == chosen or len(set(moved)) < len(moved):
            break
        chosen = moved
    return chosen


def _points(layers: Sequence[CatalogueEntry]) -> Numbers:
    rows = []
    for layer in layers:
        p = layer.problem
        follows = p.activation if layer.network_activation is None else layer.network_activation
        pixels = p.batch * p.out_height * p.out_width
        sizes = (p.in_channels / p.groups, p.out_channels / p.groups, pixels, p.groups)
        steps = (_STRIDE * (p.stride > 1), _BIAS * p.bias, _ACTIVATION * (follows != "none"))
        rows.append([*np.log2(sizes), *steps])
    return np.array(rows, dtype=np.float64)


def _squares(a: Numbers, b: Numbers) -> Numbers:
    """Squared distances of every two."""
    found: Numbers = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None, :] - 2 * (a @ b.T)
    return found


def text_of(file: Path, said: str) -> str:
    """The group ``census`` as the text of its file; ``said`` tells of which models the layers are."""
    layers = read(file).layers
    found = select(layers)
    lines = [
        f"# Written by docs/experiments/census.py of {file.name}, sha256 {digest_of(file)}.",
        f"# {said}: {len(layers)} distinct layers, {sum(layer.count for layer in layers)} by occurrence.",
        f"# The {len(found.chosen)} below stand for them, each for `count` occurrences. By weight, the mean of its",
        f"# shares of use and of each model's work, a layer is {found.octaves:.2f} octaves from who stands for it.",
        f"# Those of over {LARGEST / 1e9:g} G macs have smaller ones instead: {found.work:.1%} of the work is left.",
        'source = "docs/experiments/census.py: layers of models of torchvision and timm"',
        'kind = "network"',
        "default = false",
        "common = { batch = 1 }",
        "",
        "layer = [",
        *(_line(each) for each in found.chosen),
        "]",
    ]
    return "\n".join(lines) + "\n"


def digest_of(file: Path) -> str:
    """What tells one census from another."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _line(each: Selected) -> str:
    p, layer = each.layer.problem, each.layer
    cells = [f'name = "{layer.name}"', f"count = {each.count}"]
    cells += [f"{key} = {getattr(p, key)}" for key in ("in_channels", "out_channels", "height", "width")]
    cells += [f"stride = {p.stride}"] * (p.stride > 1) + [f"groups = {p.groups}"] * (p.groups > 1)
    cells += ["bias = true"] * p.bias + [f'activation = "{p.activation}"'] * (p.activation != "none")
    if layer.network_activation is not None:
        cells.append(f'network_activation = "{layer.network_activation}"')
    cells.append(f'source = "{layer.source.partition(",")[0]}, and {each.layers - 1} layers near it"')
    return f"    {{ {', '.join(cells)} }},"
