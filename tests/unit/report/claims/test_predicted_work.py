"""The work of a way of computing, counted from its problems by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st

from pointwise_bench.backends.problem import Problem
from pointwise_bench.report.claims.predicted_work import Work
from pointwise_bench.report.reading.claims import ReadStep, ReadVariant

# 8 channels of 4 x 4 pixels to 16: 256 results, 128 weights, 2,048 multiply-adds; 128 + 128 + 256 numbers moved.
SMALL = Problem.parse("n1c8h4w4-o16")
# The same in double precision, with a bias, on every second pixel: 64 results, 144 parameters, 512 multiply-adds;
# 32 + 144 + 64 numbers of eight bytes.
DOUBLE = Problem.parse("n1c8h4w4-o16-s2-bias-float64")


def test_a_product_writes_learns_multiplies_and_moves() -> None:
    assert Work.of_steps([("product", SMALL)]) == Work(activations=256, parameters=128, macs=2048, bytes=4 * 512)
    assert Work.of_steps([("product", DOUBLE)]) == Work(activations=64, parameters=144, macs=512, bytes=8 * 240)


def test_a_relu_apart_moves_every_result_twice_and_does_nothing_else() -> None:
    assert Work.of_steps([("relu", SMALL)]) == Work(0, 0, 0, bytes=2 * 256 * 4)
    assert Work.of_steps([("relu", DOUBLE)]) == Work(0, 0, 0, bytes=2 * 64 * 8)


def test_nothing_is_no_work() -> None:
    assert Work.of_steps([]) == Work(0, 0, 0, 0)


VARIANT = ReadVariant("whole", {"left": (("product", SMALL),), "right": (("product", DOUBLE), ("relu", DOUBLE))})


def test_a_variant_is_the_sum_of_its_branches_and_several_are_the_sum_of_them() -> None:
    left, right = Work(256, 128, 2048, 2048), Work(64, 144, 512, 1920 + 1024)
    assert Work.of_variant(VARIANT, "left") == left
    assert Work.of_variant(VARIANT, "right") == right
    assert Work.of_variant(VARIANT) == Work(320, 272, 2560, 4992)
    assert Work.of_variants([VARIANT, VARIANT]) == Work(640, 544, 5120, 9984)
    assert left.counts == (256, 128, 2048, 2048)


def test_how_many_times_as_much_is_said_by_measure() -> None:
    ratios = Work(8, 6, 4, 2).over(Work(2, 3, 4, 8))
    assert ratios == {"activations": 4.0, "parameters": 2.0, "macs": 1.0, "bytes": 0.25}
    assert math.isnan(Work(1, 1, 1, 1).over(replace(Work(1, 1, 1, 1), macs=0))["macs"])


STEPS = st.lists(st.tuples(st.sampled_from(["product", "relu"]), st.sampled_from([SMALL, DOUBLE])), max_size=8)


# 100 examples of up to sixteen steps: every count is a sum, so that cutting a list in two changes nothing.
@settings(max_examples=100, deadline=None)
@given(STEPS, STEPS)
def test_the_work_of_steps_adds_up(one: list[ReadStep], other: list[ReadStep]) -> None:
    both = Work.of_steps([*one, *other]).counts
    parts = zip(Work.of_steps(one).counts, Work.of_steps(other).counts, strict=True)
    assert list(both) == [mine + its for mine, its in parts]


@pytest.mark.parametrize("ratio", [1, 3])
def test_as_many_times_as_much_work_is_that_ratio_in_every_measure(ratio: int) -> None:
    more = Work.of_steps([("product", SMALL)] * ratio)
    assert set(more.over(Work.of_steps([("product", SMALL)])).values()) == {float(ratio)}
