"""Which problems the correctness suite asks of every backend, and why these are enough.

Most wrong results follow from one property of a problem or from two that meet: a stride in a layout, a remainder of
channels in a precision. So the lists cover every *pair* of properties and not their whole product, which would be 128
kinds of forward problems alone. What needs three at once is left to the problems that are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, cycle
from typing import Any, Final, get_args

from hypothesis import strategies as st

from pointwise_bench.backends.problem import ACTIVATIONS, Direction, Dtype, Layout, Problem

LAYOUTS: Final = get_args(Layout)
DTYPES: Final = ("float32", "float64")
HALVES: Final = ("float16", "bfloat16")

FINISHES: Final = ACTIVATIONS[1:]
"""All but none."""

STRIDES_AND_GROUPS: Final = ((1, 1), (2, 1), (1, 3), (2, 3))
GRADIENTS: Final[tuple[Direction, ...]] = ("backward-input", "backward-weight")


def problem_of(**sizes: Any) -> Problem:
    """A problem of one pixel and two channels, but for what is given."""
    usual = {"batch": 1, "in_channels": 2, "out_channels": 2, "height": 1, "width": 1}
    return Problem(**(usual | sizes))


# --- every pair of properties -------------------------------------------------------------------------------------


def kinds() -> Iterator[Problem]:
    """Forward: every pair of dtype, layout, stride and groups, bias and activation. All sizes leave remainders.

    The combination of bias and activation is a Latin square over dtypes and shapes, the layout halves
    of another: each of the two then meets every dtype, every shape and every value of the other.
    """
    for i, dtype in enumerate(get_args(Dtype)):
        for j, (stride, groups) in enumerate(STRIDES_AND_GROUPS):
            epilogue = i ^ j
            yield Problem(
                batch=1 + j % 3,
                in_channels=3 * (11 + 2 * i - (j & 1)),
                out_channels=3 * (17 + 2 * j),
                height=9 + 2 * j,
                width=13 - i,
                stride=stride,
                groups=groups,
                bias=bool(epilogue & 1),
                activation="relu" if epilogue & 2 else "none",
                dtype=dtype,
                layout=LAYOUTS[i & 1 ^ j >> 1],
            )


def kinds_of_gradients() -> Iterator[Problem]:
    """Both gradients: every pair of dtype, layout, stride and groups, bias and direction."""
    for i, dtype in enumerate(get_args(Dtype)):
        for j, (stride, groups) in enumerate(STRIDES_AND_GROUPS):
            direction, layout = i & 1 ^ j >> 1, i >> 1 ^ j & 1
            yield Problem(
                batch=1 + (i + j) % 3,
                in_channels=3 * (7 + 2 * j),
                out_channels=3 * (9 + 2 * i),
                height=8 + i,
                width=11 - j,
                stride=stride,
                groups=groups,
                bias=bool(direction ^ layout),
                dtype=dtype,
                layout=LAYOUTS[layout],
                direction=GRADIENTS[direction],
            )


def kinds_of_residuals() -> Iterator[Problem]:
    """With a residual: every element type in both layouts, with every stride and every groups; activations in turn.

    A list of its own, and no further axis of :func:`kinds`: who takes no residual would be asked half of those.
    """
    for i, dtype in enumerate(get_args(Dtype)):
        for layout in (i & 1, 1 - (i & 1)):  # so that every other one has both layouts
            stride, groups = STRIDES_AND_GROUPS[(i + layout) % 4]
            yield Problem(
                batch=2,
                in_channels=6 * (4 + i),
                out_channels=3 * (9 + 2 * i + layout),
                height=9 + i,
                width=9 + 2 * layout + i,
                stride=stride,
                groups=groups,
                bias=bool((i ^ layout) & 1),
                add=True,
                activation=ACTIVATIONS[(i + 4 * layout) % len(ACTIVATIONS)],
                dtype=dtype,
                layout=LAYOUTS[layout],
            )


# --- sizes at the edges -------------------------------------------------------------------------------------------

EDGES: Final[dict[str, dict[str, int]]] = {
    "one pixel, one channel": {"in_channels": 1, "out_channels": 1},
    "one pixel, many images": {"batch": 9, "in_channels": 40, "out_channels": 24},
    "one pixel, stride": {"batch": 2, "stride": 3, "in_channels": 8, "out_channels": 4},
    "one input channel": {"in_channels": 1, "out_channels": 33, "height": 6, "width": 6},
    "one output channel": {"in_channels": 33, "out_channels": 1, "height": 6, "width": 6},
    "one row": {"in_channels": 16, "out_channels": 16, "height": 1, "width": 50},
    "one column": {"in_channels": 16, "out_channels": 16, "height": 50, "width": 1},
    "primes": {"batch": 3, "in_channels": 37, "out_channels": 53, "height": 11, "width": 13},
    "stride that does not divide": {"in_channels": 12, "out_channels": 20, "height": 11, "width": 14, "stride": 3},
    "stride larger than the picture": {"in_channels": 12, "out_channels": 20, "height": 3, "width": 5, "stride": 7},
    "as many groups as channels": {"in_channels": 10, "out_channels": 10, "groups": 10, "height": 5, "width": 5},
    "groups, more outputs": {"batch": 2, "in_channels": 6, "out_channels": 15, "groups": 3, "height": 5, "width": 5},
    "groups and stride": {"in_channels": 24, "out_channels": 16, "groups": 4, "height": 9, "width": 9, "stride": 2},
    "long reduction": {"in_channels": 2048, "out_channels": 12, "height": 3, "width": 5},
}


def edges() -> Iterator[tuple[str, Problem]]:
    """Each edge in four of its eight forms: every pair of layout, precision and epilogue.

    The other four are those of the next edge, so that two edges next to each other have all eight. The activations
    take turns: over ten edges each has been with every layout and precision.
    """
    activations = cycle(FINISHES)
    for number, (edge, sizes) in enumerate(EDGES.items()):
        for layout, wide in ((0, 0), (1, 0), (0, 1), (1, 1)):
            finished = layout ^ wide ^ number & 1
            epilogue: dict[str, Any] = {"bias": True, "activation": next(activations)} if finished else {}
            yield edge, problem_of(**sizes, layout=LAYOUTS[layout], dtype=DTYPES[wide], **epilogue)


_FORMS: Final = (
    0,
    1,
    2,
    3,
    1,
    0,
    3,
    2,
)  # of eight edges in a row: each layout, precision and epilogue meets the others


def one_of_each_edge() -> Iterator[tuple[str, Problem]]:
    """Each edge in one of its forms, which differs from edge to edge."""
    forms = list(edges())
    for number in range(len(EDGES)):
        yield forms[4 * number + _FORMS[number % 8]]


def left_to_the_soak_tier(one_in: int = 2) -> frozenset[Problem]:
    """What of the lists is not asked in every session of whom it takes long: of edges and cuts, all but one in so many.

    What stays of either, of every other one, has both layouts, both precisions and both epilogues, of the edges in
    every pair. What stays of the kinds has every pair of all single properties, also of those in float32 and float64
    alone; what needs a stride together with groups in every precision is left out.
    """
    both = (one_of_each_edge(), one_of_each_cut(), residuals_cut_by_threads(), (("", p) for p in kinds_of_residuals()))
    left = ((number, problem) for problems in both for number, (_, problem) in enumerate(problems))
    of_kinds = [
        problem
        for problems, places in ((kinds(), _KINDS_LEFT), (kinds_of_gradients(), _KINDS_OF_GRADIENTS_LEFT))
        for place, problem in enumerate(problems)
        if place in places
    ]
    return frozenset([*of_kinds, *(problem for number, problem in left if number % one_in)])


# The most that can be left out, by trying all sets of them: a test holds that the rest has every pair.
_KINDS_LEFT: Final = frozenset({5, 6, 9, 10, 13, 14})
_KINDS_OF_GRADIENTS_LEFT: Final = frozenset({3, 4, 11, 15})


def edges_of_gradients() -> Iterator[tuple[str, Problem]]:
    """Each edge in both layouts and directions. The bias, which is part of the gradient of weights only, alternates."""
    for number, (edge, sizes) in enumerate(EDGES.items()):
        for direction in GRADIENTS:
            for layout, name in enumerate(LAYOUTS):
                yield edge, problem_of(**sizes, direction=direction, layout=name, bias=bool(layout ^ number & 1))


def further_edges() -> Iterator[tuple[str, Problem]]:
    """Each edge once more: in the other layout and precision than :func:`one_of_each_edge` has."""
    forms = list(edges())
    for number in range(len(EDGES)):
        yield forms[4 * number + 3 - _FORMS[number % 8]]


def some_edges_of_gradients() -> Iterator[tuple[str, Problem]]:
    """Each edge in both directions, one in each layout: another pair of edges the other way round."""
    for number, (edge, problem) in enumerate(edges_of_gradients()):
        of_edge, form = divmod(number, 4)
        if form in ((0, 3) if of_edge // 2 % 2 else (1, 2)):
            yield edge, problem


def some_edges_in_half_precision() -> Iterator[tuple[str, Problem]]:
    """Each of those edges in both precisions, one in each layout: another pair of edges the other way round."""
    for number, (edge, problem) in enumerate(edges_in_half_precision()):
        of_edge, form = divmod(number, 4)
        if form in ((0, 3) if of_edge // 2 % 2 else (1, 2)):
            yield edge, problem


def edges_in_half_precision() -> Iterator[tuple[str, Problem]]:
    """Those whose sums are long or whose memory is not contiguous, where conversions go wrong; activations in turn."""
    activations = cycle(FINISHES)
    for edge in ("primes", "groups and stride", "long reduction"):
        for dtype in HALVES:
            for layout in LAYOUTS:
                yield (
                    edge,
                    problem_of(**EDGES[edge], dtype=dtype, layout=layout, bias=True, activation=next(activations)),
                )


# --- work that is cut into parts ----------------------------------------------------------------------------------

# Of nearly two million multiply-adds: below one, libraries stay on one thread, and loops that are not compiled take
# seconds for as many, and refuse more. Two, three or four threads leave a remainder of whatever they cut: rows,
# columns, images, groups, channels.
CUT_BY_THREADS: Final[dict[str, dict[str, int]]] = {
    "pixels": {"in_channels": 61, "out_channels": 67, "height": 19, "width": 23},
    "images": {"batch": 5, "in_channels": 50, "out_channels": 70, "height": 11, "width": 10},
    "groups": {"batch": 3, "in_channels": 75, "out_channels": 105, "height": 23, "width": 17, "groups": 5},
    "channels": {"in_channels": 1021, "out_channels": 1019},
    "stride": {"in_channels": 83, "out_channels": 131, "height": 25, "width": 25, "stride": 2},
}


def cut_by_threads() -> Iterator[tuple[str, Problem]]:
    """Each in both layouts, forward; the precision and the epilogue alternate."""
    for number, (what, sizes) in enumerate(CUT_BY_THREADS.items()):
        for layout, name in enumerate(LAYOUTS):
            dtype, finished = DTYPES[layout ^ number & 1], bool(number & 1)
            activation: Any = "relu" if finished else "none"
            yield what, problem_of(**sizes, layout=name, dtype=dtype, bias=finished, activation=activation)


def one_of_each_cut() -> Iterator[tuple[str, Problem]]:
    """Each in one layout; two neighbours have the same one, so that each layout meets both precisions."""
    both = list(cut_by_threads())
    for number in range(len(CUT_BY_THREADS)):
        yield both[2 * number + number // 2 % 2]


def residuals_cut_by_threads() -> Iterator[tuple[str, Problem]]:
    """Each with a residual, in one layout; precision, bias and activation alternate."""
    for number, (what, sizes) in enumerate(CUT_BY_THREADS.items()):
        layout, dtype = LAYOUTS[number // 2 % 2], DTYPES[number & 1]
        activation: Any = "none" if number & 1 else "relu"
        yield (
            what,
            problem_of(**sizes, layout=layout, dtype=dtype, bias=number % 3 > 0, add=True, activation=activation),
        )


def gradients_cut_by_threads() -> Iterator[tuple[str, Problem]]:
    """Each in both directions; layout and bias alternate."""
    for number, (what, sizes) in enumerate(CUT_BY_THREADS.items()):
        for other, direction in enumerate(GRADIENTS):
            layout = LAYOUTS[number & 1 ^ other]
            yield what, problem_of(**sizes, layout=layout, direction=direction, bias=bool(number & 1))


def some_more_cuts() -> Iterator[tuple[str, Problem]]:
    """Pixels and groups forward in their other layouts, and of all cuts one gradient; of pixels both."""
    first = dict(one_of_each_cut())
    yield from [(what, p) for what, p in cut_by_threads() if p != first[what] and what in ("pixels", "groups")]
    for number, (what, problem) in enumerate(gradients_cut_by_threads()):
        if what == "pixels" or number % 2 == number // 4 % 2:
            yield what, problem


def judged_by_time() -> frozenset[Problem]:
    """Those of which it is also asked whether answers are remembered, and whether all work is done within the clock.

    A backend does either of a kind of problem and not of a size, and it shows in the time of a call: it is asked of
    every kind, and of the one cut in each direction, which take long enough that it shows of whoever is fast.
    """
    cuts = (*one_of_each_cut(), *residuals_cut_by_threads(), *gradients_cut_by_threads())
    every_kind = [*kinds(), *kinds_of_residuals(), *kinds_of_gradients()]
    return frozenset([*every_kind, *(problem for what, problem in cuts if what == "pixels")])


# --- all axes at once ---------------------------------------------------------------------------------------------


@st.composite
def small_problems(draw: st.DrawFn) -> Problem:
    """Over all axes, and small, so that hundreds of them cost seconds."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    small = st.integers(1, 12)
    direction = draw(st.sampled_from(["forward", "forward", "backward-input", "backward-weight"]))
    return Problem(
        batch=draw(st.integers(0, 3)),
        in_channels=groups * draw(small),
        out_channels=groups * draw(small),
        height=draw(small),
        width=draw(small),
        stride=draw(st.integers(1, 4)),
        groups=groups,
        bias=draw(st.booleans()),
        add=direction == "forward" and draw(st.booleans()),
        activation=draw(st.sampled_from(ACTIVATIONS)) if direction == "forward" else "none",
        dtype=draw(st.sampled_from(DTYPES + HALVES)),
        layout=draw(st.sampled_from(LAYOUTS)),
        direction=direction,  # type: ignore[arg-type]  # drawn from the choices
    )


def simpler_forms(problem: Problem) -> Iterator[Problem]:
    """A problem, then what is left of it with ever more axes in another, usual form: the first that a backend takes.

    One that takes one kind only, such as NHWC without groups, would refuse sixty of sixty-one draws, and Hypothesis
    calls a test that throws so many away a failure.
    """
    usual: list[dict[str, Any]] = [
        {"direction": "forward"},
        {"add": False},
        {"activation": "none"},
        {"dtype": "float32"},
        {"groups": 1},
    ]
    usual += [{"layout": layout} for layout in LAYOUTS if layout != problem.layout]
    for count in range(len(usual) + 1):
        for chosen in combinations(usual, count):
            yield replace(problem, **{axis: form for each in chosen for axis, form in each.items()})


# --- what is refused ----------------------------------------------------------------------------------------------


def offered() -> list[Problem]:
    """The edges in every dtype, layout and epilogue, and the gradients: who takes none of these takes nothing."""
    epilogues: list[dict[str, Any]] = [{}, {"bias": True, "activation": "relu"}]
    forward = [
        problem_of(**sizes, layout=layout, **epilogue)
        for sizes in EDGES.values()
        for layout in LAYOUTS
        for epilogue in epilogues
    ]
    gradients = [replace(each, activation="none", direction="backward-input") for each in forward]
    return [replace(each, dtype=dtype) for dtype in (*DTYPES, *HALVES) for each in forward] + gradients
