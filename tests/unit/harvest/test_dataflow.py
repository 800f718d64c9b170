"""What stands right behind a convolution, and what only seems to."""

from __future__ import annotations

import pytest

from pointwise_bench.harvest.dataflow import ADD_CONSTANT, BATCH_NORM, MULTIPLY, NO_CHANGE, Node, with_what_follows
from pointwise_bench.harvest.operations import Convolution, Linear

CONVOLUTION = Convolution(
    name="c", batch=1, in_channels=2, image=(3, 3), out_channels=2, kernel=(1, 1), stride=(1, 1), out_image=(3, 3)
)
LINEAR = Linear(name="l", input_shape=(1, 2), out_features=2)


def steps(*words: str) -> list[Node]:
    """A chain: each reads what the one before gives."""
    return [Node(word, (index,), (index + 1,)) for index, word in enumerate(words, start=1)]


@pytest.mark.parametrize(
    ("behind", "expected"),
    [
        ([], (False, "none")),
        (steps("relu"), (False, "relu")),
        (steps(BATCH_NORM, "relu6"), (True, "relu6")),
        (steps(NO_CHANGE, NO_CHANGE, "gelu"), (False, "gelu")),
        (steps("max_pool", "relu"), (False, "none")),
        (steps("add", "relu"), (False, "none")),  # a residual addition, in the catalogue none as well
        (steps("layer_norm", "relu"), (False, "none")),
        ([*steps(BATCH_NORM), Node("other", (2,), (9,)), Node("relu", (2,), (10,))], (True, "none")),
        ([*steps(BATCH_NORM), Node("sigmoid", (2,), (3,)), Node(MULTIPLY, (2, 3), (4,))], (True, "silu")),
        ([Node(MULTIPLY, (2, 1), (4,)), Node("hardsigmoid", (1,), (2,))], (False, "hardswish")),
        ([Node("sigmoid", (1,), (2,)), Node(MULTIPLY, (2, 7), (4,)), Node("x", (1,), (8,))], (False, "none")),
        ([Node("Div", (1,), (2,)), Node("erf", (2,), (3,)), Node(MULTIPLY, (1, 3), (4,))], (False, "gelu")),
        ([Node(NO_CHANGE, (1,), (1,))], (False, "none")),  # a circle, in a damaged file
        ([Node(NO_CHANGE, (1,), ())], (False, "none")),
        ([Node("sigmoid", (1,), ()), Node("erf", (1,), ())], (False, "gelu")),
    ],
)
def test_what_follows_a_convolution(behind: list[Node], expected: tuple[bool, str]) -> None:
    (found,) = with_what_follows([Node("conv", (0,), (1,), CONVOLUTION), *behind], [])
    assert isinstance(found, Convolution)
    assert (found.bias, found.activation) == expected


def test_what_leaves_the_model_is_read_by_somebody() -> None:
    nodes = [Node("conv", (0,), (1,), CONVOLUTION), Node("relu", (1,), (2,))]
    before, after = with_what_follows(nodes, [1]), with_what_follows(nodes, [2])
    assert [each.activation for each in (*before, *after) if isinstance(each, Convolution)] == ["none", "relu"]


def test_a_constant_that_is_added_is_a_bias_and_a_normalisation_is_none_of_a_linear_layer() -> None:
    shifted = with_what_follows([Node("mm", (0,), (1,), LINEAR), *steps(ADD_CONSTANT, "relu")], [])
    normed = with_what_follows([Node("mm", (0,), (1,), LINEAR), *steps(BATCH_NORM, "relu")], [])
    found = [(each.bias, each.activation) for each in (*shifted, *normed) if isinstance(each, Linear)]
    assert found == [(True, "relu"), (False, "none")]
