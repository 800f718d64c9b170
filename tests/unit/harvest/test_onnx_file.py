"""Layers of ONNX files: sizes, names, what follows, and what a file leaves open."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from make_onnx import message, model, node, numbers, reals, single, value, weights

from pointwise_bench.harvest.onnx_file import layers, records
from pointwise_bench.harvest.operations import Convolution, HarvestedModel, HarvestError, Linear, OtherProduct


def read(tmp_path: Path, content: bytes, **dims: int) -> HarvestedModel:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    return layers.from_file(path, path.name, dims)


@pytest.mark.parametrize(
    ("kind", "attributes", "expected"),
    [
        ("Gelu", {}, "gelu"),
        ("Gelu", {"approximate": "tanh"}, "gelu_tanh"),
        ("HardSigmoid", {"alpha": 1 / 6}, "hardsigmoid"),
        ("HardSigmoid", {}, "steep_hardsigmoid"),
    ],
)
def test_an_activation_by_its_attributes(tmp_path: Path, kind: str, attributes: dict[str, Any], expected: str) -> None:
    nodes = [node("Conv", ["x", "w"], ["a"]), node(kind, ["a"], ["y"], **attributes)]
    (found,) = read(tmp_path, model(nodes, [weights("w", 4, 3, 1, 1)], {"x": [1, 3, 5, 5]})).operations
    assert isinstance(found, Convolution)
    assert found.activation == expected


# A stem with padding and a stride, then what real files have behind a 1x1 convolution.
STEM = [
    node("Conv", ["x", "stem.weight"], ["a"], strides=[2, 2], pads=[1, 1, 1, 1]),
    node("MaxPool", ["a"], ["b"], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
    node("Conv", ["b", "reduce.weight", "shift"], ["c"]),
    node("Clip", ["c", "zero", "six"], ["d"]),
    node("Conv", ["d", "w7"], ["e"], name="/body/body.0/conv/Conv", group=2, strides=[2, 2]),
    node("BatchNormalization", ["e", "shift", "shift", "shift", "shift"], ["f"]),
    node("Sigmoid", ["f"], ["g"]),
    node("Mul", ["f", "g"], ["h"]),
    node("GlobalAveragePool", ["h"], ["i"]),
    node("Flatten", ["i"], ["j"]),
    node("Gemm", ["j", "head.weight", "shift"], ["y"], transB=1),
]
CONSTANTS = [
    weights("stem.weight", 16, 3, 3, 3),
    weights("reduce.weight", 8, 16, 1, 1),
    weights("shift", 8),
    weights("w7", 8, 4, 1, 1),
    weights("head.weight", 8, 8),
    single("zero", 0.0),
    single("six", 6.0),
]


def test_layers_have_their_sizes_names_and_what_follows(tmp_path: Path) -> None:
    found = read(tmp_path, model(STEM, CONSTANTS, {"x": ["batch", 3, 65, 64]}), batch=2).operations
    stem, reduce, body, head = found
    assert isinstance(stem, Convolution)
    assert (stem.kernel, stem.out_image, stem.activation) == ((3, 3), (33, 32), "none")
    assert isinstance(reduce, Convolution)
    # Behind the pool, which rounds up: windows at 0, 2, ..., 32 of 33 rows, and at 0, 2, ..., 30 of 32 columns.
    assert (reduce.name, reduce.batch, reduce.image) == ("reduce", 2, (16, 16))
    assert (reduce.bias, reduce.activation) == (True, "relu6")
    assert isinstance(body, Convolution)
    assert (body.name, body.groups, body.stride, body.out_image) == ("body.0.conv", 2, (2, 2), (8, 8))
    assert (body.bias, body.activation) == (True, "silu")
    assert isinstance(head, Linear)
    assert (head.name, head.input_shape, head.out_features, head.bias) == ("head", (2, 8), 8, True)


@pytest.mark.parametrize(
    ("kind", "reads"), [("Resize", ["x", "", "f"]), ("Resize", ["x", "f"]), ("Upsample", ["x", "f"])]
)
def test_a_picture_is_enlarged_by_factors(tmp_path: Path, kind: str, reads: list[str]) -> None:
    """As detectors have it, whose heads lie behind: rounded down, and nobody states the size."""
    nodes = [node(kind, reads, ["a"]), node("Conv", ["a", "w"], ["y"])]
    constants = [weights("w", 4, 3, 1, 1), reals("f", 1, 1, 2, 1.5)]
    (found,) = read(tmp_path, model(nodes, constants, {"x": [1, 3, 5, 5]})).operations
    assert isinstance(found, Convolution)
    assert found.image == (10, 7)


def test_sizes_that_are_left_open_are_asked_for_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(HarvestError, match=r"left open: give --dim batch=SIZE --dim x.2=SIZE$"):
        read(tmp_path, model(STEM, CONSTANTS, {"x": ["batch", 3, -1, 64]}))


def test_two_sizes_without_a_name_are_two_sizes(tmp_path: Path) -> None:
    """PaddlePaddle writes a question mark for each size that it does not know."""
    content = model(STEM, CONSTANTS, {"x": [1, 3, "?", "?"]})
    with pytest.raises(HarvestError, match=r"left open: give --dim x.2=SIZE --dim x.3=SIZE$"):
        read(tmp_path, content)
    first = read(tmp_path, content, **{"x.2": 32, "x.3": 64}).operations[0]
    assert isinstance(first, Convolution)
    assert first.image == (32, 64)


def _branch(name: str, *nodes: bytes) -> tuple[int, bytes]:
    """An attribute that holds a graph, which gives ``y``."""
    return 5, message((1, name), (6, message(*((1, each) for each in nodes), (12, message((1, "y"))))), (20, 5))


def test_of_the_branches_of_an_if_the_larger_one_is_counted_and_the_other_named(tmp_path: Path) -> None:
    """As speech models have one for each sampling rate; values of both may have the same names."""
    small = [node("Conv", ["x", "w"], ["a"], name="small", strides=[2, 2]), node("Sigmoid", ["a"], ["y"])]
    large = [node("Conv", ["x", "w"], ["a"], name="large"), node("Relu", ["a"], ["y"])]
    for branches in ((small, large), (large, small)):
        held = [_branch(name, *nodes) for name, nodes in zip(("else_branch", "then_branch"), branches, strict=True)]
        condition = message((1, "c"), (2, "y"), (4, "If"), *held)
        content = model([condition], [weights("w", 4, 3, 1, 1)], {"x": [1, 3, 8, 8], "c": []})
        found = read(tmp_path, content)
        assert found.details == "input 1x3x8x8, a number"
        (convolution,) = [one for one in found.operations if isinstance(one, Convolution)]
        assert (convolution.name, convolution.activation) == ("large", "relu")
        (other,) = [one for one in found.operations if isinstance(one, OtherProduct)]
        assert (other.name, other.what, other.macs) == ("small", "operation in the smaller branch of an If", 0)


def test_a_view_whose_sizes_are_computed_is_followed(tmp_path: Path) -> None:
    """As transformers have it: the batch is taken out of the shape, and the rest is counted."""
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Slice", ["s", "first_axis", "end"], ["s1"]),
        node("Gather", ["s1", "first"], ["n"], axis=0),
        node("Unsqueeze", ["n", "first_axis"], ["n1"]),
        node("Concat", ["n1", "rest"], ["t"], axis=0),
        node("Reshape", ["x", "t"], ["v"]),
        node("Transpose", ["v"], ["w"], perm=[0, 2, 1]),
        node("MatMul", ["w", "kernel"], ["p"], name="/proj/MatMul"),
        node("Add", ["p", "shift"], ["q"]),
        node("Div", ["q", "root"], ["r"]),
        node("Erf", ["r"], ["e"]),
        node("Mul", ["q", "e"], ["y"]),
        node("MatMul", ["w", "v"], ["scores"]),
    ]
    constants = [
        message((2, 7), (8, "first"), (9, bytes(8))),
        numbers("first_axis", 0),
        numbers("end", (1 << 63) - 1),  # as exporters write "to the end"
        numbers("rest", 6, -1),
        weights("kernel", 6, 24),
        weights("shift", 24),
        single("root", 1.4),
    ]
    projection, scores = read(tmp_path, model(nodes, constants, {"x": [3, 6, 4, 5]})).operations
    assert isinstance(projection, Linear)
    assert (projection.name, projection.input_shape, projection.out_features) == ("proj", (3, 20, 6), 24)
    assert (projection.bias, projection.activation) == (True, "gelu")
    assert isinstance(scores, OtherProduct)
    assert (scores.what, scores.macs) == ("product of two activations", 3 * 20 * 20 * 6)


def test_paddings_whose_order_is_turned_around_are_followed(tmp_path: Path) -> None:
    """As one exporter writes them: pairs from the last axis to the first, reversed, and transposed."""
    nodes = [
        node("Concat", ["last", "zeros"], ["pairs"], axis=0),
        node("Reshape", ["pairs", "two"], ["table"]),
        node("Slice", ["table", "minus1", "least", "axis0", "minus1"], ["reversed"]),
        node("Transpose", ["reversed"], ["turned"], perm=[1, 0]),
        node("Reshape", ["turned", "minus1"], ["pads"]),
        node("Cast", ["pads"], ["whole"], to=7),
        node("Pad", ["x", "whole"], ["p"]),
        node("Conv", ["p", "w"], ["y"]),
    ]
    constants = [
        numbers("last", 1, 2, 3, 4),
        numbers("zeros", 0, 0, 0, 0),
        numbers("two", -1, 2),
        numbers("minus1", -1),
        numbers("least", -(1 << 63)),
        numbers("axis0", 0),
        weights("w", 4, 2, 1, 1),
    ]
    (layer,) = read(tmp_path, model(nodes, constants, {"x": [1, 2, 10, 20]})).operations
    assert isinstance(layer, Convolution)
    assert layer.image == (10 + 3 + 4, 20 + 1 + 2)


def test_behind_an_operator_that_is_not_known_the_stated_shape_counts(tmp_path: Path) -> None:
    nodes = [node("Secret", ["x"], ["a"]), node("Conv", ["a", "w"], ["y"])]
    content = model(nodes, [weights("w", 4, 2, 1, 1)], {"x": [1, 2]})
    (layer,) = read(tmp_path, content).operations
    assert layer == OtherProduct(name="y", what="convolution whose sizes the file does not tell", macs=None)
    parts = [*((1, each) for each in nodes), (5, weights("w", 4, 2, 1, 1)), (13, value("a", ["n", 2, 5, 7]))]
    (layer,) = read(tmp_path, message((7, message(*parts))), n=3).operations
    assert isinstance(layer, Convolution)
    assert (layer.batch, layer.image) == (3, (5, 7))


@pytest.mark.parametrize("kind", ["QLinearConv", "DeformConv", "Einsum"])
def test_what_cannot_be_told_is_listed(tmp_path: Path, kind: str) -> None:
    (found,) = read(tmp_path, model([node(kind, ["x", "w"], ["y"])], [], {"x": [1, 2, 3, 3]})).operations
    assert isinstance(found, OtherProduct)
    assert found.macs is None


def test_a_damaged_file_ends_with_one_line_or_with_layers(tmp_path: Path) -> None:
    """Bytes changed, cut off, left out and doubled at random: never another error than ours."""
    random, whole = Random(17), model(STEM, CONSTANTS, {"x": ["batch", 3, 65, 64]})
    lines: list[str] = []
    for _ in range(400):
        content = bytearray(whole)
        for _ in range(random.randint(1, 4)):
            place = random.randrange(len(content))
            match random.randrange(4):
                case 0:
                    content[place] = random.randrange(256)
                case 1:
                    del content[place:]
                case 2:
                    del content[place : place + random.randint(1, 9)]
                case _:
                    content[place:place] = content[place : place + random.randint(1, 99)]
            if not content:
                break
        try:
            read(tmp_path, bytes(content or b"\0"), batch=2)
        except HarvestError as error:
            lines.append(str(error))
    assert not [line for line in lines if "\n" in line]
    assert 100 < len(lines) < 400  # most damages are seen, and some change a name only


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x08", "ends within a number"),
        (b"\x3a\x7f\x00", "ends within a field"),
        (b"\x0f", "kind 7"),
        (b"\x08" + b"\xff" * 11, "more than ten bytes"),
        (message((1, 8)), "no graph"),
        (message((7, message((5, weights("w", 1))))), "no graph"),
        (message((7, 3)), "a number where bytes were expected"),
    ],
)
def test_damages_are_named(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(HarvestError, match=says):
        read(tmp_path, content)


def test_graphs_within_graphs_come_to_an_end(tmp_path: Path) -> None:
    content = message((1, node("Relu", ["x"], ["y"])))
    for _ in range(50):
        content = message((1, message((4, "If"), (5, message((1, "then_branch"), (6, content))))))
    with pytest.raises(HarvestError, match="8 deep"):
        read(tmp_path, message((7, content)))


@pytest.mark.parametrize(
    "many",
    [
        message((1, node("Concat", ["a"] * 12, ["y"]))),
        message(*((1, node("Relu", ["x"], ["y"])) for _ in range(6))),
        message(*((5, weights(f"w{number}", 1)) for number in range(12))),
        message(*((number, value("x", [1])) for number in (11, 13) for _ in range(6))),
    ],
)
def test_a_file_is_made_of_so_many_names_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: bytes
) -> None:
    """A file of 30 MiB that names tensors and does nothing else had been read for half a minute."""
    monkeypatch.setattr(records, "MOST_NAMES", 11)
    with pytest.raises(HarvestError, match="more than 11 names of tensors"):
        read(tmp_path, message((7, many + message((1, node("Relu", [], []))))))


def test_a_residual_is_told_where_both_shapes_are_known_and_equal(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "w"], ["a"]),
        node("Add", ["x", "a"], ["b"]),
        node("Relu", ["b"], ["c"]),
        node("GlobalAveragePool", ["c"], ["d"]),
        node("Conv", ["c", "w2"], ["e"]),
        node("Add", ["e", "d"], ["y"]),  # broadcast over the picture
    ]
    constants = [weights("w", 3, 3, 1, 1), weights("w2", 3, 3, 1, 1)]
    one, other = read(tmp_path, model(nodes, constants, {"x": [1, 3, 5, 5]})).operations
    assert isinstance(one, Convolution)
    assert isinstance(other, Convolution)
    assert (one.activation, one.after_residual, other.after_residual) == ("none", "relu", None)
