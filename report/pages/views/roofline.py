"""Every backend on every layer under what the machine can do; a point that is touched says what it is."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pointwise_bench.report.analysis.overall.roofline_points import RooflinePoint, RooflinePoints, roofline_points
from pointwise_bench.report.analysis.wording import duration, threads_of, three_digits
from pointwise_bench.report.pages.files.csv_file import CsvFile
from pointwise_bench.report.pages.group_pages import slug_of
from pointwise_bench.report.pages.layer_pages import MOST_ROWS
from pointwise_bench.report.plots.line_chart import Cloud, Curve, LineChart, Mark, Scale, clouds_of, line_chart
from pointwise_bench.report.plots.style import Look, short

if TYPE_CHECKING:
    from pointwise_bench.report.analysis.roofline import Roofs
    from pointwise_bench.report.pages.run_analysis import RunAnalysis

TITLE: Final = "Roofline: how near each layer is to what this machine can do"

MOST_CHARTS: Final = 6
"""On the page; all points are in the file."""

_ROOMIER: Final = 1.4
"""How far the axes go beyond the outermost point."""

_LEAST_SPAN: Final = 12.0
"""Of each axis, so that there is a power of ten to write."""

_PLACES: Final = 200
"""Of the line of a roof."""


def view(found: RunAnalysis, colours: Mapping[str, Look]) -> dict[str, Any] | None:
    """A chart for each dtype and thread budget; None where nothing was timed on the processor."""
    charts = roofline_points(found.timings)
    if not charts:
        return None
    pages = _layer_pages(found)
    fields = ("dtype", "threads", "drawn", *RooflinePoint._fields)
    return {
        "charts": [_chart(one, found.ceilings, colours, pages) for one in charts[:MOST_CHARTS]],
        "more": len(charts) - MOST_CHARTS,
        "beside": [CsvFile("roofline.csv", fields, list(_numbers(charts)))],
    }


def _layer_pages(found: RunAnalysis) -> dict[tuple[str, int, str], str]:
    """By group, thread budget and problem: where the layer is told of, from the prefix of the run's pages on."""
    rows: defaultdict[tuple[str, int], int] = defaultdict(int)
    for name, threads in zip(found.timings["group"].tolist(), found.timings["threads"].tolist(), strict=True):
        rows[name, threads] += 1
    places: dict[tuple[str, int, str], str] = {}
    for group in found.groups:
        page = f"layers-{slug_of(group.name)}-threads-{group.threads}.html"
        # Of a group that fills several pages the first, which leads to the others.
        one_page = rows[group.name, group.threads] + len(group.layers) <= MOST_ROWS
        for number, layer in enumerate(group.layers, 1):
            place = f"{page}#layer-{number}" if one_page else page
            places.setdefault((group.name, group.threads, layer.problem), place)
    return places


def _chart(
    one: RooflinePoints,
    ceilings: Roofs,
    colours: Mapping[str, Look],
    pages: Mapping[tuple[str, int, str], str],
) -> dict[str, Any]:
    said = _sentence(one, ceilings)
    title = f"{one.dtype}, {threads_of(one.threads)}"
    return {"title": title, "sentence": said, "cut": one.said_of_cut, "chart": _drawn(one, ceilings, colours, pages)}


def _drawn(
    one: RooflinePoints,
    ceilings: Roofs,
    colours: Mapping[str, Look],
    pages: Mapping[tuple[str, int, str], str],
) -> LineChart:
    peak, bandwidths = ceilings.peaks.get((one.dtype, one.threads)), _bandwidths(one, ceilings)
    intensities = [point.intensity for point in one.drawn]
    left, right = min(intensities) / _ROOMIER, max(intensities) * _ROOMIER
    if peak and bandwidths:  # the slant of DRAM must be seen, or there is no roof but its ridge
        left = min(left, peak / bandwidths[0][1] / 4)
    left = min(left, right / _LEAST_SPAN)
    speeds = [point.gflops for point in one.drawn]
    top = max([*speeds, *([peak / 1e9] if peak else [])]) * _ROOMIER
    x = Scale("arithmetic intensity (FLOP per byte, each operand counted once)", left, right)
    y = Scale("GFLOP/s", min(min(speeds) / _ROOMIER, top / _LEAST_SPAN), top)
    roofs = [
        Curve(name, Look("currentColor", marker), _roof(x, y, speed, peak))
        for (name, speed), marker in zip(bandwidths, "os", strict=False)
    ]
    if peak and not bandwidths:
        roofs = [Curve(f"peak: {peak / 1e9:,.0f} GFLOP/s", Look("currentColor", "o"), _roof(x, y, math.inf, peak))]
    by_backend: defaultdict[str, list[Mark]] = defaultdict(list)
    for point in one.drawn:
        place = pages.get((point.group, one.threads, point.problem), "")
        by_backend[point.backend].append(Mark(point.intensity, point.gflops, _told(point), place))
    clouds = [Cloud(name, colours[name], tuple(marks)) for name, marks in by_backend.items()]
    alt = f"Roofline, {one.dtype}, {threads_of(one.threads)}: {_sentence(one, ceilings)}"
    return clouds_of(line_chart(alt, x, y, roofs), x, y, clouds)


def _bandwidths(one: RooflinePoints, ceilings: Roofs) -> list[tuple[str, float]]:
    """DRAM first: between it and the fastest cache lies what caches give."""
    dram = ceilings.triads.get(one.threads)
    cache = max((speed for _, speed in ceilings.ladders.get(one.threads, ())), default=None)
    known = [(name, speed) for name, speed in (("DRAM", dram), ("fastest cache", cache)) if speed]
    return [(f"{name}: {speed / 1e9:,.0f} GB/s", speed) for name, speed in known]


def _roof(x: Scale, y: Scale, bytes_per_s: float, peak: float | None) -> list[tuple[float, float]]:
    """Without what is below the picture: a value beyond an axis would be drawn along its end."""
    across = [x.low * (x.high / x.low) ** (number / _PLACES) for number in range(_PLACES + 1)]
    line = [(value, min(value * bytes_per_s, peak or math.inf) / 1e9) for value in across]
    return [(value, speed) for value, speed in line if y.low <= speed <= y.high]


def _told(point: RooflinePoint) -> str:
    """What a reader who touches a point is told."""
    more = f" and {point.places - 1} more" if point.places > 1 else ""
    share = f"{point.percent_of_roof:.0f} % of its roof ({point.bound_by})"
    reached = "roof not known" if math.isnan(point.percent_of_roof) else share
    took = f"{duration(point.median_s)} [{duration(point.low_s)}, {duration(point.high_s)}]"
    layer = f"{short(point.name or point.problem)}{more} of {short(point.group)}"
    return f"{layer}; {short(point.backend)}: {took}, {reached}, {three_digits(point.gflops)} GFLOP/s"


def _sentence(one: RooflinePoints, ceilings: Roofs) -> str:
    """The finding and its figures."""
    fastest = max(one.drawn, key=lambda point: point.gflops)
    peak = ceilings.peaks.get((one.dtype, one.threads))
    of_peak = f" of {peak / 1e9:,.0f} that were measured at most" if peak else ""
    parts = [f"Fastest is {short(fastest.backend)} with {fastest.gflops:,.0f} GFLOP/s{of_peak}"]
    known = [point for point in one.drawn if not math.isnan(point.percent_of_roof)]
    if known:
        nearest = max(known, key=lambda point: point.percent_of_roof)
        where = f"{short(nearest.name or nearest.problem)} of {short(nearest.group)}"
        parts.append(f"nearest to its roof {short(nearest.backend)} with {nearest.percent_of_roof:.0f} % on {where}")
        memory = len({point.problem for point in known if point.bound_by == "memory"})
        parts.append(f"memory binds {memory} of {len({point.problem for point in known})} problems")
    return f"{'; '.join(parts)}."


def _numbers(charts: Sequence[RooflinePoints]) -> Iterator[Sequence[object]]:
    for one in charts:
        for drawn, points in (("yes", one.drawn), ("cut", one.cut), ("no", one.further)):
            for point in points:
                yield one.dtype, one.threads, drawn, *point
