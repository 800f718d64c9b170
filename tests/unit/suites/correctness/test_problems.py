"""The problems of the correctness suite: every pair of properties is there, and the gate can judge them all."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, pairwise, product
from types import ModuleType
from typing import Any, get_args

import numpy as np
import pytest
from places import PLUGINS

from pointwise_bench import Problem
from pointwise_bench.backends.problem import ACTIVATIONS, Dtype, Layout
from pointwise_bench.suites.correctness.problems import (
    CUT_BY_THREADS,
    EDGES,
    cut_by_threads,
    edges,
    edges_in_half_precision,
    edges_of_gradients,
    further_edges,
    gradients_cut_by_threads,
    judged_by_time,
    kinds,
    kinds_of_gradients,
    kinds_of_residuals,
    left_to_the_soak_tier,
    offered,
    one_of_each_cut,
    one_of_each_edge,
    residuals_cut_by_threads,
    simpler_forms,
    some_edges_in_half_precision,
    some_edges_of_gradients,
    some_more_cuts,
)
from pointwise_bench.suites.harness.verify.error_bounds import has_bound

PROPERTIES: dict[str, Callable[[Problem], Any]] = {
    "dtype": lambda p: p.dtype,
    "layout": lambda p: p.layout,
    "stride": lambda p: p.stride > 1,
    "groups": lambda p: p.groups > 1,
    "stride and groups": lambda p: (p.stride > 1, p.groups > 1),
    "bias": lambda p: p.bias,
    "activation": lambda p: p.activation,
    "direction": lambda p: p.direction,
}


LEFT = left_to_the_soak_tier()
EVERY_KIND = [list(kinds()), list(kinds_of_gradients())]


@pytest.mark.parametrize("asked", EVERY_KIND, ids=["forward", "gradients"])
@pytest.mark.parametrize(("one", "other"), list(combinations(PROPERTIES, 2)))
def test_every_pair_of_properties_is_among_the_kinds(asked: list[Problem], one: str, other: str) -> None:
    if "and" in one + other and {one, other} & {"stride", "groups"}:
        return  # a property and a part of it
    read = PROPERTIES[one], PROPERTIES[other]
    pairs = {(read[0](each), read[1](each)) for each in asked}
    assert pairs == set(product({first for first, _ in pairs}, {second for _, second in pairs}))


@pytest.mark.parametrize("whole", EVERY_KIND, ids=["forward", "gradients"])
@pytest.mark.parametrize("halves", [(), ("float16",), ("float16", "bfloat16")], ids=len)
def test_the_kinds_that_even_the_slow_are_asked_have_every_pair_of_single_properties(
    whole: list[Problem], halves: tuple[str, ...]
) -> None:
    """Also for who takes some precisions only."""
    taken = [p for p in whole if p.dtype in ("float32", "float64", *halves)]
    single = [read for name, read in PROPERTIES.items() if name != "stride and groups"]
    for one, other in combinations(single, 2):
        every, stay = ({(one(p), other(p)) for p in asked} for asked in (taken, [p for p in taken if p not in LEFT]))
        assert stay == every


def test_the_kinds_that_only_the_soak_tier_asks_of_the_slow_are_as_many_as_can_be() -> None:
    assert [len(LEFT & {*whole}) for whole in EVERY_KIND] == [6, 4]


@pytest.mark.parametrize("name", ["OddChannels", "LastRow", "TwoThreads", "ThreeAtOnce"])
@pytest.mark.parametrize("one_in", [2, 4])
def test_even_the_slow_are_asked_what_shows_each_planted_fault(name: str, one_in: int) -> None:
    fault = getattr(rarely_wrong(), name)()
    left = left_to_the_soak_tier(one_in)
    edges_and_cuts = [problem for problems in (one_of_each_edge(), one_of_each_cut()) for _, problem in problems]
    asked = [p for p in (*kinds(), *edges_and_cuts) if p not in left and p.dtype in ("float32", "float64")]
    assert any(spoils(fault, p, threads=2) for p in asked)


def rarely_wrong() -> ModuleType:
    """The plugin, without its backends in the registry of this process."""
    source = (PLUGINS / "rarely_wrong.py").read_text(encoding="utf-8").replace("@register\n", "")
    module = ModuleType("rarely_wrong")
    exec(source, vars(module))
    return module


def spoils(fault: Any, problem: Problem, threads: int) -> bool:
    before = np.full((problem.batch, problem.out_channels, problem.out_height, problem.out_width), 2.0)
    after = before.copy()
    fault.spoil(problem, after, threads)
    return not np.array_equal(before, after)


def test_every_property_has_all_of_its_values() -> None:
    for asked in (list(kinds()), list(kinds_of_gradients())):
        assert {(p.dtype, p.stride > 1, p.groups > 1) for p in asked} == set(
            product(("float32", "float64", "float16", "bfloat16"), (False, True), (False, True))
        )
    assert {p.activation for p in kinds()} == {"none", "relu"}
    assert {p.direction for p in kinds_of_gradients()} == {"backward-input", "backward-weight"}


def test_edges_next_to_each_other_have_every_form() -> None:
    forms: dict[str, set[tuple[Any, ...]]] = {edge: set() for edge in EDGES}
    for edge, p in edges():
        forms[edge].add((p.layout, p.dtype, p.bias))
    assert all(len(each) == 4 for each in forms.values())
    assert all(len(one | other) == 8 for one, other in pairwise(forms.values()))


def test_every_activation_meets_every_layout_and_precision_and_none_is_left_out_of_half_precision() -> None:
    met = {(p.activation, p.layout, p.dtype) for _, p in edges() if p.bias}
    assert met == set(product(ACTIVATIONS[1:], ("nchw", "nhwc"), ("float32", "float64")))
    assert {p.activation for _, p in edges_in_half_precision()} == set(ACTIVATIONS[1:])


def test_one_of_each_edge_has_all_edges_and_any_eight_in_a_row_all_forms() -> None:
    found = list(one_of_each_edge())
    assert [edge for edge, _ in found] == list(EDGES)
    assert set(found) <= set(edges())
    forms = [(p.layout, p.dtype, p.bias) for _, p in found]
    assert all(len(set(forms[first : first + 8])) == 8 for first in range(0, len(forms) - 7, 8))


def test_further_edges_are_the_others_in_another_layout_and_precision() -> None:
    for (edge, first), (again, second) in zip(one_of_each_edge(), further_edges(), strict=True):
        assert edge == again
        assert (edge, second) in set(edges())
        assert first.layout != second.layout
        assert first.dtype != second.dtype


@pytest.mark.parametrize(
    ("some", "whole", "axis"),
    [
        (some_edges_of_gradients, edges_of_gradients, lambda p: p.direction),
        (some_edges_in_half_precision, edges_in_half_precision, lambda p: p.dtype),
    ],
)
def test_a_part_has_every_edge_on_both_sides_and_both_layouts(some: Any, whole: Any, axis: Any) -> None:
    every, part = list(whole()), list(some())
    assert set(part) < set(every)
    assert len(part) == len(every) / 2
    assert {(what, axis(p)) for what, p in part} == {(what, axis(p)) for what, p in every}
    assert {(what, p.layout) for what, p in part} == {(what, p.layout) for what, p in every}
    assert {(axis(p), p.layout, p.bias) for _, p in part} == {(axis(p), p.layout, p.bias) for _, p in every}


def test_some_more_cuts_are_forward_in_both_layouts_and_gradients_of_each() -> None:
    asked = list(some_more_cuts())
    assert set(asked) < {*cut_by_threads(), *gradients_cut_by_threads()} - set(one_of_each_cut())
    gradients = [(what, p) for what, p in asked if p.direction != "forward"]
    assert {what for what, _ in gradients} == set(CUT_BY_THREADS)
    assert {(p.direction, p.layout) for _, p in gradients} == {
        (p.direction, p.layout) for _, p in gradients_cut_by_threads()
    }
    assert {p.layout for _, p in asked if p.direction == "forward"} == {"nchw", "nhwc"}
    assert {p for p in judged_by_time() if p.direction != "forward" and p.macs > 1e6} < {p for _, p in asked}


def test_one_of_each_cut_has_all_cuts_in_both_layouts() -> None:
    found = list(one_of_each_cut())
    assert [what for what, _ in found] == list(CUT_BY_THREADS)
    assert {p.layout for _, p in found} == {"nchw", "nhwc"}
    assert {p.dtype for _, p in found} == {"float32", "float64"}


def test_a_residual_meets_every_type_in_both_layouts_and_every_other_property_in_each_layout() -> None:
    asked = list(kinds_of_residuals())
    assert all(p.add for p in asked)
    assert {(p.dtype, p.layout) for p in asked} == set(product(get_args(Dtype), get_args(Layout)))
    for read in (PROPERTIES["stride and groups"], PROPERTIES["bias"]):
        values = {read(p) for p in asked}
        assert {(p.layout, read(p)) for p in asked} == set(product(get_args(Layout), values))
    assert {p.activation for p in asked} == set(ACTIVATIONS)
    # Also of what even the slow are asked, and of who takes two types only.
    stay = [p for p in asked if p not in LEFT]
    assert {p.layout for p in stay} == set(get_args(Layout))
    assert {p.dtype for p in stay} == set(get_args(Dtype))


def test_residuals_are_cut_by_threads_in_both_layouts_and_precisions() -> None:
    asked = [p for _, p in residuals_cut_by_threads()]
    assert [what for what, _ in residuals_cut_by_threads()] == list(CUT_BY_THREADS)
    assert {(p.layout, p.dtype) for p in asked} == set(product(get_args(Layout), ("float32", "float64")))


def test_the_gate_can_judge_them() -> None:
    named = [*edges(), *edges_of_gradients(), *cut_by_threads(), *gradients_cut_by_threads()]
    named += residuals_cut_by_threads()
    asked = [*kinds(), *kinds_of_residuals(), *kinds_of_gradients(), *offered(), *(each for _, each in named)]
    assert [str(each) for each in asked if not has_bound(each)] == []


@pytest.mark.parametrize("threads", [2, 3, 4])
def test_threads_leave_a_remainder_of_what_they_cut(threads: int) -> None:
    for what, p in cut_by_threads():
        count = {
            "pixels": p.pixels,
            "images": p.batch,
            "groups": p.groups,
            "channels": p.out_channels,
            "stride": p.out_height,
        }[what]
        assert count % threads, f"{what}: {count}"
        assert p.macs > 1e6


def test_what_is_asked_even_of_the_slow_has_every_pair_of_forms() -> None:
    def pairs(asked: list[Problem]) -> set[tuple[str, Any, str, Any]]:
        read = {"layout": 0, "dtype": 1, "bias": 2}
        forms = [(p.layout, p.dtype, p.bias) for p in asked]
        return {
            (one, form[read[one]], other, form[read[other]]) for form in forms for one, other in combinations(read, 2)
        }

    left = left_to_the_soak_tier()
    whole, cuts = [p for _, p in one_of_each_edge()], [p for _, p in one_of_each_cut()]
    stay = [p for p in whole if p not in left]
    assert len(stay) == len(whole) / 2
    assert pairs(stay) == pairs(whole)
    cuts_stay = [p for p in cuts if p not in left]
    assert len(cuts_stay) == 3
    assert {(p.layout, p.dtype) for p in cuts_stay} >= {("nchw", "float32"), ("nhwc", "float64")}


def test_what_is_asked_even_of_the_slowest_is_a_part_of_that_in_both_layouts() -> None:
    left = left_to_the_soak_tier(one_in=4)
    assert left > left_to_the_soak_tier()
    edges_stay, cuts_stay = (
        [p for _, p in whole if p not in left] for whole in (one_of_each_edge(), one_of_each_cut())
    )
    assert (len(edges_stay), len(cuts_stay)) == (4, 2)
    assert {p.layout for p in edges_stay} == {"nchw", "nhwc"}


def test_what_is_judged_by_time_is_of_every_kind_and_of_some_size_in_every_direction() -> None:
    judged = judged_by_time()
    assert judged >= {*kinds(), *kinds_of_residuals(), *kinds_of_gradients()}
    large = [p for p in judged if p.macs > 1e6]
    assert sorted(p.direction for p in large) == ["backward-input", "backward-weight", "forward", "forward"]
    assert [p.layout for p in large if p.add] == ["nchw"]


def test_a_draw_keeps_all_that_a_narrow_backend_can_take_of_it() -> None:
    """As one that takes NHWC without groups, in the default's types and activations: the README's."""

    def takes(problem: Problem) -> bool:
        usual = problem.dtype in ("float32", "float64") and problem.activation in ("none", "relu")
        return usual and (problem.layout, problem.groups, problem.direction) == ("nhwc", 1, "forward")

    asked = {
        "n2c6h5w7-o9-s2-g3-bias-relu-float64": "n2c6h5w7-o9-s2-bias-relu-float64-nhwc",
        "n1c3h5w5-o7-gelu-bfloat16-nhwc": "n1c3h5w5-o7-nhwc",
        "n1c4h5w5-o6-g2-float16-backward-weight": "n1c4h5w5-o6-nhwc",
        "n2c12h7w9-o20-s2-bias-relu-nhwc": "n2c12h7w9-o20-s2-bias-relu-nhwc",
    }
    found = {}
    for name in asked:
        forms = [*simpler_forms(Problem.parse(name))]
        assert forms[0].id == name
        found[name] = next(form.id for form in forms if takes(form))
    assert found == asked
