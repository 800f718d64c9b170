"""Which measured problems speak for one that was not measured, and what they say together."""

from __future__ import annotations

from dataclasses import replace

import pytest
from places import ROOT

from pointwise_bench.backends.problem import Problem
from pointwise_bench.wisdom import nearest
from pointwise_bench.wisdom.entries import Rival, WisdomEntry
from pointwise_bench.wisdom.nearest import distance, expected, neighbours, ordered

P = Problem(batch=1, in_channels=64, out_channels=64, height=14, width=14)


def entry(problem: Problem, backend: str, **ratios: float) -> WisdomEntry:
    rivals = tuple(Rival(name, ratio, ratio, ratio, "faster", 9, 3) for name, ratio in ratios.items())
    return WisdomEntry(problem, 1, "run", backend, "faster", 1e-3, rivals)


@pytest.mark.parametrize(
    ("nearer", "farther"),
    [
        ({"out_channels": 128}, {"height": 28, "width": 28}),
        ({"bias": True}, {"groups": 2}),
        ({"add": True}, {"groups": 2}),
        ({"stride": 2, "height": 27, "width": 27}, {"layout": "nhwc"}),
        ({"activation": "relu"}, {"dtype": "float64"}),
        ({"height": 28}, {"height": 56}),
        ({"dtype": "float16"}, {"dtype": "bfloat16"}),
    ],
)
def test_what_changes_who_wins_is_farther(nearer: dict[str, object], farther: dict[str, object]) -> None:
    near, far = (replace(P, **each) for each in (nearer, farther))  # type: ignore[arg-type]
    assert 0 < distance(P, near) < distance(P, far)
    assert distance(P, near) == distance(near, P)
    assert distance(P, P) == 0


def test_the_nearest_are_asked_and_none_of_another_direction() -> None:
    sizes = [replace(P, in_channels=64 * size) for size in (2, 3, 4, 5, 6, 7, 8)]
    entries = [entry(each, "a") for each in reversed(sizes)]
    backward = entry(replace(P, direction="backward-input"), "b")
    assert [each.problem for each in neighbours(P, [backward, *entries])] == sizes[: nearest.NEIGHBOURS]


def test_the_nearer_counts_for_more() -> None:
    """One near problem says `a` by twice, two far ones say `b` by less."""
    near = entry(replace(P, bias=True), "a", b=2.0)
    far = [entry(replace(P, height=112 * size, width=112), "b", a=1.2) for size in (1, 2)]
    assert ordered(expected(P, [near, *far]))[0] == "a"
    assert ordered(expected(far[0].problem, [near, *far]))[0] == "b"


def test_whom_few_neighbours_know_is_not_expected_to_win() -> None:
    known = [entry(replace(P, in_channels=64 * size), "a", b=1.5) for size in (2, 3, 4)]
    stranger = entry(replace(P, in_channels=64 * 5), "stranger", a=9.0)
    assert list(expected(P, [*known, stranger])) == ["a", "b"]


def test_the_simplest_within_the_margin_goes_first_and_the_others_by_time() -> None:
    assert ordered({"torch-conv2d": 0.0, "numpy-matmul": 0.015, "numba-x": 0.3}) == [
        *("numpy-matmul", "torch-conv2d", "numba-x")
    ]
    assert ordered({"torch-conv2d": 0.0, "numpy-matmul": 0.03})[0] == "torch-conv2d"
    assert ordered({}) == []


def test_the_document_states_the_weights_that_are_in_force() -> None:
    text = " ".join((ROOT / "docs/WISDOM.md").read_text().split())
    assert (
        f"logarithms to the base 2 of their pixels (weight {nearest.PIXELS:g}), of either channel count "
        f"({nearest.CHANNELS:g}) and of their work ({nearest.WORK:g}), with a distance of {nearest.GROUPED:g} for "
        f"having groups and {nearest.GROUPS:g} for each doubling of their number, {nearest.STRIDED:g} for a stride, a "
        f"bias, a residual and an activation, and {nearest.KIND:g} for another layout and for each doubling of the "
        "element"
    ) in text
    assert nearest.EPILOGUE == nearest.STRIDED
    assert f"the {['', 'one', 'two', 'three', 'four', 'five'][nearest.NEIGHBOURS]} nearest measured layers" in text
