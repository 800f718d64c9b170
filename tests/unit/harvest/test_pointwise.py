"""Which operations become layers, why others do not, and what the file says of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pointwise_bench import Problem
from pointwise_bench.backends.problem import ACTIVATIONS
from pointwise_bench.harvest.layer_file import text_of
from pointwise_bench.harvest.operations import Convolution, HarvestedModel, Linear, OtherProduct
from pointwise_bench.harvest.pointwise import Wanted, harvest_of
from pointwise_bench.suites import catalogue


def layer(**changes: Any) -> Convolution:
    plain: dict[str, Any] = {
        "name": "c",
        "batch": 2,
        "in_channels": 8,
        "image": (6, 5),
        "out_channels": 4,
        "kernel": (1, 1),
        "stride": (1, 1),
        "padding": (0, 0),
        "out_image": (6, 5),
    }
    return Convolution(**plain | changes)


def harvest(*operations: Any, linear: bool = False, folded: bool = False, residual: bool = False) -> Any:
    return harvest_of(HarvestedModel("m", "", operations), Wanted(linear, folded, residual))


def test_equal_layers_are_one_with_a_count() -> None:
    found = harvest(layer(name="a"), layer(name="b", count=3), layer(name="c", bias=True))
    assert [(each.name, each.count) for each in found.layers] == [("a", 4), ("c", 1)]
    assert found.layers[0].problem == Problem(batch=2, in_channels=8, out_channels=4, height=6, width=5)


def test_an_activation_that_cannot_be_fused_is_noted_and_parts_no_problem() -> None:
    found = harvest(layer(name="a", activation="mish"), layer(name="b"), layer(name="c", activation="relu"))
    assert [(each.count, each.problem.activation, each.network_activation) for each in found.layers] == [
        (2, "none", "mish (1) or none (1)"),
        (1, "relu", None),
    ]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_what_a_problem_can_end_in_is_measured_with_it(activation: str) -> None:
    (found,) = harvest(layer(activation=activation)).layers
    assert (found.problem.activation, found.network_activation) == (activation, None)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kernel": (3, 3)}, "3x3 convolution"),
        ({"kernel": (3,)}, "3 wide convolution"),
        ({"kernel": (3, 3), "groups": 8}, "3x3 depthwise convolution"),
        ({"transposed": True}, "transposed convolution"),
        ({"padding": (0, 1)}, "1x1 convolution with padding"),
        ({"stride": (2, 1)}, "1x1 convolution with stride 2x1"),
        ({"dtype": "int8"}, "layer of int8"),
        ({"image": (6, 0)}, "layer that no problem describes (width must be a whole number of at least 1, got 0)"),
        ({"kernel": (1,), "image": (6,), "stride": (1,), "out_image": (6,)}, "which --fold takes"),
    ],
)
def test_what_cannot_be_expressed_is_left_out_with_its_reason_and_weight(changes: dict[str, Any], reason: str) -> None:
    operation = layer(**changes)
    (left,) = harvest(operation).left_out
    assert left.reason.endswith(reason)
    assert left.macs == operation.macs


def test_a_side_of_one_pixel_has_no_stride() -> None:
    (found,) = harvest(layer(image=(1, 5), stride=(1, 2), out_image=(1, 3))).layers
    assert (found.problem.stride, found.problem.out_width) == (2, 3)


@pytest.mark.parametrize(
    ("image", "stride", "expected"),
    [((7,), (3,), (1, 7, 3)), ((2, 3, 5), (1, 1, 1), (6, 5, 1)), ((2, 3, 5), (2, 2, 2), None)],
)
def test_one_and_three_dimensions_are_folded(image: Any, stride: Any, expected: Any) -> None:
    out = tuple((size - 1) // step + 1 for size, step in zip(image, stride, strict=True))
    operation = layer(image=image, kernel=(1,) * len(image), stride=stride, out_image=out)
    found = harvest(operation, folded=True)
    if expected is None:
        assert [each.reason for each in found.left_out] == ["pointwise convolution over three dimensions with stride"]
        return
    (taken,) = found.layers
    assert (taken.problem.height, taken.problem.width, taken.problem.stride) == expected
    assert taken.problem.macs == operation.macs


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((8,), (1, 1, 1, "nchw")),
        ((3, 8), (3, 1, 1, "nchw")),
        ((3, 20, 8), (3, 1, 20, "nhwc")),
        ((3, 4, 5, 8), (3, 4, 5, "nhwc")),
        ((3, 2, 4, 5, 8), (3, 8, 5, "nhwc")),
    ],
)
def test_rows_of_a_linear_layer_are_pixels(shape: tuple[int, ...], expected: Any) -> None:
    operation = Linear(name="l", input_shape=shape, out_features=6, bias=True)
    (left,) = harvest(operation).left_out
    assert left.is_pointwise
    (found,) = harvest(operation, linear=True).layers
    problem = found.problem
    assert (problem.batch, problem.height, problem.width, problem.layout) == expected
    assert problem.macs == operation.macs


def test_the_file_is_read_by_the_catalogue_and_says_what_is_missing(tmp_path: Path) -> None:
    hostile = 'a"\n[[layer]]\x1b # \\'
    operations = (
        layer(name=hostile, bias=True, activation="gelu_tanh"),
        layer(name=hostile, image=(3, 3), out_image=(3, 3), bias=True),
        layer(name=hostile, image=(3, 3), out_image=(3, 3), stride=(2, 2), bias=True),
        layer(name="big\n", kernel=(3, 3), count=2),
        OtherProduct(name="s\ncores", what="einsum", macs=None),
    )
    model = HarvestedModel("we\nird", "input 2x8x6x5", operations)
    found = harvest_of(model, Wanted())
    path = tmp_path / "layers.toml"
    path.write_text(text_of(model, found))
    group = catalogue.read(path)
    assert [each.problem for each in group.layers] == [each.problem for each in found.layers]
    assert len({each.name for each in group.layers}) == 3
    assert group.layers[0].network_activation == "gelu_tanh"
    assert group.model is not None
    assert (group.model.title, group.model.multiply_adds) == ("we ird", found.model_macs)
    assert group.model.measured == found.macs
    assert [(part.what, part.count, part.unknown, part.names) for part in group.model.left_out] == [
        ("3x3 convolution", 2, 0, ("big",)),
        ("einsum", 1, 1, ("s cores",)),
    ]
    text = path.read_text()
    assert "# Written by `pointwise-bench harvest` from we ird (input 2x8x6x5)." in text
    assert "#   2 times 3x3 convolution: 92.62 % of the multiply-adds (big)" in text
    assert "#   1 times einsum: multiply-adds not known (s cores)" in text
    assert "\x1b" not in text


def test_layers_whose_long_names_begin_alike_keep_names_apart(tmp_path: Path) -> None:
    """A name is cut behind its 200 characters; what tells two of them apart stays."""
    operations = [layer(name=f"{'x' * 250}{size}", image=(size, 5), out_image=(size, 5)) for size in (6, 3)]
    operations.append(layer(name="x" * 250, image=(3, 5), out_image=(3, 5), bias=True))
    path = tmp_path / "layers.toml"
    path.write_text(text_of(HarvestedModel("m", "", tuple(operations)), harvest(*operations)))
    names = [each.name for each in catalogue.read(path).layers]
    assert names == ["x" * 200, "x" * 196 + "@3x5", "x" * 194 + "@3x5#2"]


def test_a_model_without_layers_is_comments_alone() -> None:
    model = HarvestedModel("m", "", (layer(kernel=(3, 3)),))
    lines = text_of(model, harvest_of(model, Wanted())).splitlines()
    assert len(lines) == 4
    assert all(line.startswith("#") for line in lines)
    assert lines[1] == "# 0 distinct layers, 0 by occurrence: 0.00 % of the model's 17280 multiply-adds."


def test_a_residual_is_taken_in_where_it_is_asked_for_with_the_activation_behind_the_sum(tmp_path: Path) -> None:
    """Otherwise layers are those of the catalogue, which end before it; the multiply-adds are the same."""
    layers = (layer(name="a", after_residual="relu"), layer(name="b"), layer(name="c", after_residual="tanh"))
    (plain,) = harvest(*layers).layers
    assert (plain.count, plain.problem.add, plain.problem.activation) == (3, False, "none")
    found = harvest(*layers, residual=True)
    assert [(each.problem.add, each.problem.activation, each.network_activation) for each in found.layers] == [
        (True, "relu", None),
        (False, "none", None),
        (True, "none", "tanh"),
    ]
    assert found.macs == harvest(*layers).macs
    file = tmp_path / "m.toml"
    file.write_text(text_of(HarvestedModel("m", "", layers), found))
    (group,) = catalogue.select([str(file)])
    assert [each.problem for each in group.layers] == [each.problem for each in found.layers]
