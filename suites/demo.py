"""``pointwise-bench demo``: what a 1x1 convolution does to a picture, and the arithmetic of one layer."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pointwise_bench import Problem
from pointwise_bench.common.cores import DEFAULT_BUDGET, default_threads
from pointwise_bench.common.formats import RUN_FILE

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from pointwise_bench.report.analysis.roofline import Roofs

    Picture = npt.NDArray[np.float32]

EXAMPLE: Final = "n1c192h28w28-o16"
"""The reduction in front of the first 5x5 convolution of GoogLeNet."""

SIDE: Final = 96  # pixels of the generated picture

DESCRIPTION: Final = """\
Draw what a 1x1 convolution does to a generated picture, before and after, and print the arithmetic of one layer:
shapes, parameters, multiply-adds, bytes, arithmetic intensity, and the least time by the roofline.

The roof is, in this order: what --peak and --bandwidth say, the newest recorded run of this machine under --results,
or a measurement of some seconds made now.
"""
EXAMPLES: Final = f"""\
examples:
  pointwise-bench demo --out picture                          the picture, and the layer {EXAMPLE}
  pointwise-bench demo n1c256h56w56-o128-s2                   the arithmetic of another layer
  pointwise-bench demo --peak 2e11 --bandwidth 2e10           under a roof of your own (FLOP/s, bytes/s)
"""


class DemoError(Exception):
    """What was asked for cannot be done: one line with the remedy."""


@dataclass(frozen=True)
class DemoRoof:
    """Roofs for one problem, in FLOP/s and bytes/s, and where they are from."""

    peak: float
    bandwidth: float
    source: str

    def least_seconds(self, problem: Problem) -> float:
        """``max(flops / peak, bytes / bandwidth)`` (Williams, Waterman, Patterson 2009)."""
        return max(problem.flops / self.peak, problem.min_bytes / self.bandwidth)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "layer", nargs="?", default=EXAMPLE, metavar="LAYER", help=f"a problem's id (default {EXAMPLE})"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the picture there, as SVG and as PNG")
    parser.add_argument("--peak", type=float, metavar="FLOPS", help="floating-point operations per second of the roof")
    parser.add_argument("--bandwidth", type=float, metavar="BYTES", help="bytes per second of the roof")
    parser.add_argument(
        "--threads", type=int, metavar="N", help=f"thread budget of the roof (default: {DEFAULT_BUDGET})"
    )
    parser.add_argument(
        "--results", type=Path, default=Path("results"), metavar="DIR", help="where recorded runs are sought"
    )


def run(options: argparse.Namespace) -> list[str]:
    """Draw the picture where one is asked for; the lines to print. :class:`DemoError` for what cannot be used."""
    try:
        problem = Problem.parse(options.layer)
    except ValueError as error:
        raise DemoError(str(error)) from None
    if problem.macs == 0:
        raise DemoError(f"{problem.id} has no pixels: there is nothing to count")
    for name in ("peak", "bandwidth"):
        value = getattr(options, name)
        if value is not None and not 0 < value < float("inf"):
            raise DemoError(f"--{name} must be a positive number, got {value:g}")
    lines = arithmetic(problem)
    if options.out is not None:
        lines = [*(f"wrote {path}" for path in draw(options.out)), "", *lines]
    return [*lines, *under_the_roof(problem, find_roof(problem, options))]


# --- arithmetic ---------------------------------------------------------------------------------------------------


def arithmetic(problem: Problem) -> list[str]:
    """What one layer reads, learns, computes and moves, with the formulas."""
    p = problem
    kernel = p.in_channels // p.groups
    bias = f" + {p.out_channels:,} biases" if p.bias else ""
    read = p.batch * p.out_height * p.out_width
    return [
        f"{p.id}",
        f"  input          {_shape(p.input_shape)} ({p.layout})",
        f"  weights        {p.out_channels:,} kernels of 1x1x{kernel:,}",
        f"  output         {_shape(p.output_shape)}",
        f"  pixels read    {read:,} of {p.batch * p.height * p.width:,}",
        f"  parameters     {p.parameters:,} = {p.out_channels:,} * {kernel:,}{bias}",
        f"  multiply-adds  {p.macs:,} = {read:,} pixels * {p.out_channels:,} * {kernel:,}",
        f"  bytes          {p.min_bytes:,}, each operand touched once ({p.dtype})",
        f"  intensity      {p.flops / p.min_bytes:.3g} FLOP per byte (two FLOP for each multiply-add)",
    ]


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


def under_the_roof(problem: Problem, roof: DemoRoof) -> list[str]:
    """The least time, what bounds it, and where the ceilings are from."""
    compute, memory = problem.flops / roof.peak, problem.min_bytes / roof.bandwidth
    bound = "arithmetic" if compute >= memory else "memory"
    return [
        f"  least time     {_time(roof.least_seconds(problem))}, bound by {bound}: "
        f"arithmetic {_time(compute)}, memory {_time(memory)}",
        f"  under          {roof.peak / 1e9:.4g} GFLOP/s and {roof.bandwidth / 1e9:.4g} GB/s, {roof.source}",
    ]


def _time(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


# --- the roof -----------------------------------------------------------------------------------------------------


def find_roof(problem: Problem, options: argparse.Namespace) -> DemoRoof:
    """As given, as recorded on this machine, or as measured now; what is given replaces its half of the others."""
    if options.peak is not None and options.bandwidth is not None:
        return DemoRoof(options.peak, options.bandwidth, "as given")

    threads = options.threads or default_threads()
    found = _recorded(problem, threads, options.results) or _measured(problem, threads)
    given = [name for name in ("peak", "bandwidth") if getattr(options, name) is not None]
    source = f"{found.source}, but the {given[0]} as given" if given else found.source
    return DemoRoof(options.peak or found.peak, options.bandwidth or found.bandwidth, source)


def _recorded(problem: Problem, threads: int, results: Path) -> DemoRoof | None:
    """From the newest readable run of this machine that has both ceilings for the thread budget."""
    from pointwise_bench.report.analysis.roofline import Roofs
    from pointwise_bench.report.reading.errors import ReportError
    from pointwise_bench.report.reading.run import load_run
    from pointwise_bench.suites.harness.machine import environment

    for path in sorted((results / environment.machine()).glob(f"*/{RUN_FILE}"), reverse=True):
        try:
            ceilings = Roofs.of(load_run(path.parent).settings)
        except ReportError:
            continue
        roof = _roof(ceilings, problem, threads, f"measured in the run {path.parent.name} of this machine")
        if roof is not None:
            return roof
    return None


def _measured(problem: Problem, threads: int) -> DemoRoof:
    from pointwise_bench.report.analysis.roofline import Roofs
    from pointwise_bench.suites.harness.machine.ceiling_meters import CeilingMeters

    warnings: list[str] = []
    meters = CeilingMeters([threads], warnings.append)
    try:
        ceilings = Roofs.of({"ceilings": meters.read("before")})
    finally:
        meters.close()
    roof = _roof(ceilings, problem, threads, "measured just now")
    if roof is None:
        why = "; ".join(warnings) or f"no peak is measured for {problem.dtype}"
        raise DemoError(f"no roof: {why}: give one with --peak and --bandwidth")
    return roof


def _roof(ceilings: Roofs, problem: Problem, threads: int, source: str) -> DemoRoof | None:
    peak = ceilings.peaks.get((problem.dtype, threads))
    bandwidth = ceilings.bandwidth(problem.min_bytes, threads)
    if not peak or not bandwidth:
        return None
    return DemoRoof(peak, bandwidth, f"{source}, {threads} thread{'s' * (threads != 1)}")


# --- the picture --------------------------------------------------------------------------------------------------

MIXES: Final = (
    ("mean of the channels", (1 / 3, 1 / 3, 1 / 3)),
    ("red minus blue", (1.0, 0.0, -1.0)),
    ("not green", (0.5, -1.0, 0.5)),
)
"""Kernels of 1x1x3: one number for each input channel."""


def generated() -> Picture:
    """A picture of 96x96 pixels with three channels between 0 and 1: rings, stripes and a slope, one in each."""
    import numpy as np

    down, right = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE
    rings = 0.5 + 0.5 * np.cos(40 * np.hypot(down - 0.5, right - 0.5))
    stripes = 0.5 + 0.5 * np.sin(30 * right)
    return np.stack([rings, stripes, (down + right) / 2], axis=-1).astype(np.float32)


def mixed(picture: Picture) -> Picture:
    """The 1x1 convolution itself, as a matrix product: each pixel's channels times the kernels of :data:`MIXES`."""
    import numpy as np

    kernels = np.array([weights for _, weights in MIXES], np.float32)
    return picture @ kernels.T


def draw(folder: Path) -> list[Path]:
    """Channels before and after, side by side; the files that were written."""
    # The object, not pyplot: no state is left behind, and no display is looked for.
    from matplotlib.figure import Figure

    before = generated()
    after = mixed(before)
    figure = Figure(figsize=(8.5, 4.8), layout="constrained")
    axes = figure.subplots(2, 4)
    panels = [("the picture", before), *((f"channel {name}", before[..., i]) for i, name in enumerate("012"))]
    panels += [("after: three kernels", _shown(after)), *((MIXES[i][0], after[..., i]) for i in range(len(MIXES)))]
    for axis, (title, pixels) in zip(axes.flat, panels, strict=True):
        axis.imshow(pixels, cmap="gray" if pixels.ndim == 2 else None, interpolation="nearest")
        axis.set_title(title, fontsize=10)
        axis.set_axis_off()
    figure.suptitle(
        "A 1x1 convolution mixes channels, pixel by pixel: width, height and every edge stay where they are"
    )
    written = [folder / f"channel_mixing.{kind}" for kind in ("svg", "png")]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in written:
            figure.savefig(path, dpi=120)
    except OSError as error:
        raise DemoError(f"--out {folder}: {error.strerror}: name a folder that can be written to") from None
    return written


def _shown(channels: Picture) -> Picture:
    """Three channels of any range as colours: each stretched from its least to its greatest value."""
    low, high = channels.min(axis=(0, 1)), channels.max(axis=(0, 1))
    stretched: Picture = (channels - low) / (high - low)
    return stretched
