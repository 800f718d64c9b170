"""Predicted against measured: one point for each gain of each backend."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from pointwise_bench.report.claims.gains import Gain
from pointwise_bench.report.plots.style import INK, Look, Picture, name_backends, new_figure, plain_ticks, save, styled


def draw_gains(gains: Sequence[Gain], looks: dict[str, Look], path: Path) -> Picture | None:
    """Log-log plot of measured over predicted gains; ``None`` where nothing is predicted but equality.

    On the line, arithmetic is all that counts; below it, something ate a part of the gain.
    """
    # Where no gain is predicted there is nothing to fall short of: those points would be one column at the edge.
    chosen = [gain for gain in gains if gain.expected > 1]
    if not chosen:
        return None
    with styled():
        figure = new_figure(7.2, 5.6)
        axes = figure.subplots()
        axes.set(xscale="log", yscale="log", xlabel="predicted gain", ylabel="measured gain")
        for backend in sorted({gain.backend for gain in chosen}):
            own = [gain for gain in chosen if gain.backend == backend]
            look = looks[backend]
            axes.scatter(
                [gain.expected for gain in own],
                [gain.ratio for gain in own],
                s=16,
                marker=look.marker,
                color=look.colour,
                alpha=0.75,
                linewidths=0,
                label=backend,
            )
        ends = [1.0, 1.2 * max(12.0, *(gain.expected for gain in chosen))]
        axes.plot(ends, ends, "-", color=INK, linewidth=1.1)
        plain_ticks(axes.xaxis)
        plain_ticks(axes.yaxis)
        axes.set_title("on the line: as predicted; below it: something ate the gain")
        name_backends(figure, 3)
    shares = sorted(gain.ratio / gain.expected for gain in chosen)
    reached = sum(share >= 1 for share in shares)
    return save(
        figure,
        path,
        f"Measured over predicted gain: {len(chosen)} gains of {len({gain.backend for gain in chosen})} backends; the "
        f"median reaches {median(shares):.0%} of the prediction, {reached} reach all of it or more",
    )
