"""What the variants of a claim are given and must return: by the definition, and within bounds that add up."""

from __future__ import annotations

import os
from itertools import product
from typing import Any

import numpy as np
import pytest
from small_claims import SHAPES, naive, small_claim

from pointwise_bench.suites.claims import get
from pointwise_bench.suites.harness.claims.claim_inputs import ClaimInputs, convolved
from pointwise_bench.suites.harness.verify import error_bounds as bounds


@pytest.mark.parametrize(("size", "layout", "stride"), SHAPES)
def test_the_reference_is_the_definition(size: int, layout: str, stride: int) -> None:
    claim = small_claim(size, layout, stride)
    inputs = ClaimInputs.of(claim, seed=3)
    kernels = {key[1:]: kernel for key, kernel in inputs.kernels.items()}
    direct = naive(inputs.x, kernels[0, (4, 6, size, size)], layout, stride)
    np.testing.assert_allclose(inputs.answers["direct", "whole"], direct, rtol=1e-12, atol=1e-12)
    middle = naive(inputs.x, kernels[0, (3, 6, 1, 1)], layout, 1)
    behind = naive(middle, kernels[1, (4, 3, size, size)], layout, stride)
    np.testing.assert_allclose(inputs.answers["reduced", "whole"], behind, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("size", "layout", "stride"), SHAPES)
def test_the_allowed_error_is_the_gates_and_what_it_makes_of_an_earlier_one(
    size: int, layout: str, stride: int
) -> None:
    claim = small_claim(size, layout, stride)
    inputs = ClaimInputs.of(claim, seed=3)
    kernels = {key[1:]: abs(kernel) for key, kernel in inputs.kernels.items()}
    direct, (reduce, behind) = (variant.problems for variant in claim.variants)
    magnitude = naive(abs(inputs.x), kernels[0, (4, 6, size, size)], layout, stride)
    expected = bounds.allowed_error(direct[0]) * magnitude
    allowed = inputs.allowed["direct", "whole"]
    assert allowed is not None
    np.testing.assert_allclose(allowed, expected, rtol=1e-9)
    first, second = bounds.allowed_error(reduce), bounds.allowed_error(behind)
    middle = naive(abs(inputs.x), kernels[0, (3, 6, 1, 1)], layout, 1)
    magnitude = naive(middle, kernels[1, (4, 3, size, size)], layout, stride)
    assert np.all(inputs.allowed["reduced", "whole"] <= (first + second + first * second) * magnitude * (1 + 1e-9))
    assert np.all(inputs.allowed["reduced", "whole"] >= first * magnitude * (1 - 1e-9))


def test_a_convolution_by_hand() -> None:
    """A 3 x 3 window of ones adds up a pixel and its neighbours, with zeros beyond the border."""
    picture = np.arange(1.0, 7.0).reshape(1, 1, 2, 3)  # 1 2 3 / 4 5 6
    ones = np.ones((1, 1, 3, 3))
    assert convolved(picture, ones, "nchw", 1)[0, 0].tolist() == [[12, 21, 16], [12, 21, 16]]
    assert convolved(picture, ones, "nchw", 2)[0, 0].tolist() == [[12, 16]]
    assert convolved(picture.transpose(0, 2, 3, 1), ones, "nhwc", 2)[0, :, :, 0].tolist() == [[12, 16]]


def test_the_same_seed_asks_the_same_and_another_one_something_else() -> None:
    one, again, other = (ClaimInputs.of(small_claim(3, "nchw", 1), seed) for seed in (1, 1, 2))
    assert np.array_equal(one.x, again.x)
    assert all(np.array_equal(one.kernels[key], again.kernels[key]) for key in one.kernels)
    assert not np.array_equal(one.x, other.x)


def test_whole_numbers_are_small_and_must_be_met_exactly() -> None:
    """Inputs up to 8 and weights up to 4: a sum of 6 x 9 products is at most 1728, exact in float32."""
    inputs = ClaimInputs.of(small_claim(3, "nchw", 1, exact=True), seed=1)
    assert set(np.unique(inputs.x)) <= set(range(-8, 9))
    assert all(set(np.unique(kernel)) <= set(range(-4, 5)) for kernel in inputs.kernels.values())
    assert abs(inputs.answers["direct", "whole"]).max() <= 1728
    assert set(inputs.allowed.values()) == {None}


def test_variants_of_equal_shapes_share_their_kernels() -> None:
    """So that they compute the same function, and may be compared with each other."""
    claim = get("mlpconv-1")
    inputs = ClaimInputs.of(claim, seed=1)
    wanted = {key for variant in claim.variants for key in variant.shapes_of_kernels()}
    assert inputs.kernels.keys() == wanted
    assert len(wanted) < sum(len(list(variant.shapes_of_kernels())) for variant in claim.variants)


@pytest.mark.parametrize("exact", [False, True], ids=["reals", "integers"])
def test_inputs_survive_the_way_to_a_worker(exact: bool) -> None:
    claim = small_claim(3, "nhwc", 2, exact=exact)
    inputs = ClaimInputs.of(claim, seed=1)
    arrived = ClaimInputs.from_block(claim, os.dup(inputs.descriptor()))
    assert inputs.descriptor() == inputs.descriptor()
    inputs.close()
    inputs.close()
    for one, other in ((inputs.x, arrived.x), *((inputs.kernels[key], arrived.kernels[key]) for key in inputs.kernels)):
        np.testing.assert_array_equal(one, other)
    assert not arrived.x.flags.writeable
    for mine, theirs in ((inputs.answers, arrived.answers), (inputs.allowed, arrived.allowed)):
        assert mine.keys() == theirs.keys()
        assert all(equal_or_none(mine[key], theirs[key]) for key in product(("direct", "reduced"), ("whole",)))


def equal_or_none(one: Any, other: Any) -> bool:
    return one is other is None or bool(np.array_equal(one, other))
