"""What stands right behind a convolution, and what only seems to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pointwise_bench.harvest.dataflow import ADD, ADD_CONSTANT, BATCH_NORM, MULTIPLY, NO_CHANGE, Node, with_what_follows
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


@pytest.mark.parametrize(
    ("behind", "expected"),
    [
        ([], None),
        ([Node(ADD, (1, 7), (2,))], "none"),
        ([Node(ADD, (7, 1), (2,)), Node("relu", (2,), (3,))], "relu"),
        ([*steps(BATCH_NORM, ADD_CONSTANT), Node(ADD, (3, 7), (4,)), Node("relu6", (4,), (5,))], "relu6"),
        # Two read the sum: it is written, and what one of them makes of it is another layer's part.
        ([Node(ADD, (1, 7), (2,)), Node("relu", (2,), (3,)), Node("conv", (2,), (4,))], "none"),
        ([Node(ADD, (1, 7), (2,)), Node("sigmoid", (2,), (3,)), Node(MULTIPLY, (2, 3), (4,))], "silu"),
        ([Node(ADD, (1, 7), (2,)), Node("x", (1,), (3,))], None),  # the result itself is read elsewhere
        ([*steps("relu"), Node(ADD, (2, 7), (3,))], None),  # behind the activation
        ([*steps(NO_CHANGE), Node(ADD, (2, 7), (3,))], None),  # a view may lie otherwise
        ([Node(ADD, (1, 1), (2,))], None),  # twice itself
        ([Node("add", (1, 7), (2,))], None),  # of another shape
        ([Node(ADD, (1, 7), ())], None),
        ([Node(BATCH_NORM, (1,), (1,))], None),  # a circle
    ],
)
def test_a_residual_behind_a_convolution(behind: list[Node], expected: str | None) -> None:
    (found,) = with_what_follows([Node("conv", (0,), (1,), CONVOLUTION), *behind], [])
    assert isinstance(found, Convolution)
    assert found.after_residual == expected


def test_an_addition_of_two_convolutions_is_taken_in_by_the_later_one() -> None:
    """As in a block whose shortcut is a convolution too: the sum is computed once."""
    nodes = [
        Node("conv", (0,), (1,), replace(CONVOLUTION, name="main")),
        Node("conv", (0,), (2,), replace(CONVOLUTION, name="shortcut")),
        Node(ADD, (1, 2), (3,)),
        Node("relu", (3,), (4,)),
    ]
    found = [each for each in with_what_follows(nodes, [4]) if isinstance(each, Convolution)]
    assert [(each.name, each.after_residual) for each in found] == [("main", None), ("shortcut", "relu")]


def test_what_a_linear_layer_is_added_to_is_not_told() -> None:
    """Sources see it behind a view or not, by how the model was written."""
    (found,) = with_what_follows([Node("mm", (0,), (1,), LINEAR), Node(ADD, (1, 7), (2,))], [])
    assert found == LINEAR
