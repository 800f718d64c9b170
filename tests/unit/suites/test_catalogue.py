"""The catalogue's data against published totals, and what a pattern selects of it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, asdict
from pathlib import Path

import pytest
from layer_files import GEOMETRY, complaint

from pointwise_bench import Problem
from pointwise_bench.suites import catalogue
from pointwise_bench.suites.catalogue import CatalogueEntry, CatalogueError, Group, load, select

# Distinct layers, layers by occurrence, millions of multiply-adds, and weights without bias in the 1x1 convolutions of
# each network. Where the network's total is published, the 1x1 part was taken from a walk that reconciles with it:
# 569M for MobileNet v1, 4.089G for ResNet-50 v1.5, 0.301G for MobileNet v2, 138M for ShuffleNet v1.
NETWORKS = {
    "nin_cifar10": (5, 6, "68.54", 158_592),
    "nin_imagenet": (5, 8, "273.75", 2_516_992),
    "googlenet": (30, 37, "369.14", 2_260_480),
    "resnet50_v1": (15, 36, "1888.22", 12_128_256),
    "resnet50_v1.5": (15, 36, "2119.43", 12_128_256),
    "squeezenet1_1": (13, 17, "159.76", 676_864),
    "squeezenet1_1_224": (13, 17, "140.48", 676_864),
    "mobilenet_v1": (9, 13, "539.49", 3_139_584),
    "mobilenet_v2": (19, 34, "267.94", 2_124_672),
    # Published without conv_head (960 to 1280 on one pixel), which some frameworks count among the linear layers.
    "mobilenet_v3_large": (32, 46 + 1, "191.50", 2_850_432 + 960 * 1280),
    "efficientnet_b0": (33, 64, "339.16", 3_773_312),
    "densenet121": (61, 61, "1472.36", 4_722_688),
    "shufflenet_v1_g3": (12, 32, "124.56", 860_160),
    "inception_v3": (19, 40, "1255.23", 7_124_480),
    "convnext_tiny": (8, 36, "4161.80", 25_878_528),
    "yolov3_416": (12, 37, "3277.16", 6_193_408),
}
# Single layers and heads, for which nobody publishes a total: distinct layers and layers by occurrence.
HEADS = {"unet": (1, 1), "deeplabv3_head": (4, 4), "lraspp_head": (4, 4), "fpn_rpn_head": (14, 14)}

# What each numeric sweep varies; an image is square, so its two sides are one axis.
AXES = {
    "sweep-in-channels": {"in_channels"},
    "sweep-out-channels": {"out_channels"},
    "sweep-image": {"height", "width"},
    "sweep-batch": {"batch"},
    "sweep-stride": {"stride"},
    "sweep-groups": {"groups"},
}
PLAIN_RUN = {"nin_cifar10", "nin_imagenet", "googlenet", "resnet50_v1.5", "mobilenet_v2"}


# --- the data -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_have_their_published_totals(groups: dict[str, Group], name: str) -> None:
    group = groups[name]
    weights = sum(layer.count * layer.problem.weight_shape[0] * layer.problem.weight_shape[1] for layer in group.layers)
    assert (len(group.layers), group.occurrences, f"{group.macs / 1e6:.2f}", weights) == NETWORKS[name]


@pytest.mark.parametrize("name", HEADS)
def test_heads_are_complete(groups: dict[str, Group], name: str) -> None:
    assert (len(groups[name].layers), groups[name].occurrences) == HEADS[name]


def test_no_network_that_is_held_here_gets_lost(groups: dict[str, Group]) -> None:
    """Others may join without an entry above; what they add is read and checked like every group's data."""
    assert {group.name for group in groups.values() if group.kind == "network"} >= {*NETWORKS, *HEADS}


def test_the_stride_that_resnet_moved_is_all_that_its_two_versions_differ_by(groups: dict[str, Group]) -> None:
    moved = {"res3a_branch2a", "res4a_branch2a", "res5a_branch2a"}
    assert [layer.problem.stride for layer in groups["resnet50_v1"].layers if layer.name in moved] == [2, 2, 2]
    assert groups["resnet50_v1.5"].macs - groups["resnet50_v1"].macs == 3 * 3 * 25_690_112


def test_an_activation_that_we_cannot_fuse_is_kept_by_name_and_not_measured(groups: dict[str, Group]) -> None:
    carried = {
        name: {layer.network_activation for layer in group.layers if layer.network_activation}
        for name, group in groups.items()
    }
    assert {name: words for name, words in carried.items() if words and name in {*NETWORKS, *HEADS}} == {
        "mobilenet_v1": {"relu6"},
        "mobilenet_v2": {"relu6"},
        "mobilenet_v3_large": {"hardswish", "hardsigmoid"},
        "efficientnet_b0": {"silu", "sigmoid"},
        "convnext_tiny": {"gelu"},
        "yolov3_416": {"leaky_relu"},
        "lraspp_head": {"sigmoid"},
    }
    fused = [layer for group in groups.values() for layer in group.layers if layer.problem.activation != "none"]
    assert not any(layer.network_activation for layer in fused)
    assert sum(layer.problem.activation == "relu" for layer in groups["googlenet"].layers) == 30


def test_only_the_layers_without_a_bias_are_without_a_bias(groups: dict[str, Group]) -> None:
    networks = [groups[name] for name in (*NETWORKS, *HEADS)]
    bare = {layer.name for group in networks for layer in group.layers if not layer.problem.bias}
    assert bare == {
        "features.transition1.conv",
        "features.transition2.conv",
        "features.transition3.conv",
        "classifier.scale.1",
    }


def test_names_that_repeat_carry_the_size(groups: dict[str, Group]) -> None:
    sizes = [layer.name.partition("@")[2] for layer in groups["fpn_rpn_head"].layers if "cls_logits" in layer.name]
    assert sizes == ["200x272", "100x136", "50x68", "25x34", "13x17"]


def test_every_id_round_trips(groups: dict[str, Group]) -> None:
    problems = [layer.problem for group in groups.values() for layer in group.layers]
    assert [Problem.parse(problem.id) for problem in problems] == problems


def test_every_group_and_layer_has_a_source_and_a_kind_of_its_own(groups: dict[str, Group]) -> None:
    for group in groups.values():
        assert group.source.strip() not in {"", f"{group.name}.toml"}
        assert all(layer.source for layer in group.layers)
        own = {"basics": "basics", "claims": "claims", "museum": "museum"}
        expected = "sweep" if group.name.startswith("sweep-") else own.get(group.name, "network")
        assert group.kind == expected
    heads = {layer.name: layer.source for layer in groups["mobilenet_v3_large"].layers}
    assert heads["conv_head"] != groups["mobilenet_v3_large"].source


@pytest.mark.parametrize("name", AXES)
def test_a_numeric_sweep_varies_exactly_one_axis(groups: dict[str, Group], name: str) -> None:
    rows = [asdict(layer.problem) for layer in groups[name].layers]
    varying = {key for key in rows[0] if len({row[key] for row in rows}) > 1}
    assert varying == AXES[name]
    assert all(row["height"] == row["width"] for row in rows)
    values = [row[min(AXES[name])] for row in rows]
    assert values == sorted(set(values))
    assert 6 <= len(rows) <= 8


@pytest.mark.parametrize(("name", "axis"), [("sweep-layout", "layout"), ("sweep-dtype", "dtype")])
def test_a_sweep_over_words_asks_each_geometry_with_each_word(groups: dict[str, Group], name: str, axis: str) -> None:
    words = {"layout": {"nchw", "nhwc"}, "dtype": {"float32", "float64"}}[axis]
    by_geometry: dict[tuple[object, ...], set[str]] = {}
    for layer in groups[name].layers:
        row = asdict(layer.problem)
        by_geometry.setdefault(tuple(value for key, value in row.items() if key != axis), set()).add(row[axis])
    assert len(by_geometry) == 3
    assert all(found == words for found in by_geometry.values())


def test_the_sweeps_reach_the_cases_that_they_exist_for(groups: dict[str, Group]) -> None:
    def problems(name: str) -> list[Problem]:
        return [layer.problem for layer in groups[name].layers]

    outs = [problem.out_channels - problem.in_channels for problem in problems("sweep-out-channels")]
    assert min(outs) < 0 < max(outs)
    assert {1, 7, 13, 55} <= {problem.height for problem in problems("sweep-image")}
    assert {1, 2, 3, 4} <= {problem.stride for problem in problems("sweep-stride")}
    assert any(problem.height % problem.stride for problem in problems("sweep-stride"))
    assert any(problem.groups == problem.out_channels for problem in problems("sweep-groups"))


def test_the_sweeps_fit_a_plain_run(groups: dict[str, Group]) -> None:
    macs = [layer.problem.macs for group in groups.values() if group.kind == "sweep" for layer in group.layers]
    assert 50 <= len(macs) <= 60
    assert max(macs) <= 210e6
    assert sum(count <= 60e6 for count in macs) > 0.9 * len(macs)


def test_the_arithmetic_of_the_basics(groups: dict[str, Group]) -> None:
    basics = {layer.name: layer.problem for layer in groups["basics"].layers}
    for layout, shape in (("nhwc", (1, 10, 10, 16)), ("nchw", (1, 16, 10, 10))):
        ten = basics[f"ten-by-ten@{layout}"]
        assert (ten.layout, ten.output_shape, ten.parameters, ten.macs) == (layout, shape, 512, 51_200)
    one = basics["one-channel"]
    assert (one.input_shape, one.output_shape, one.parameters) == ((1, 1, 7, 7), (1, 1, 7, 7), 1)
    fewer = basics["fewer-channels"]
    assert (fewer.in_channels, fewer.out_channels, fewer.macs) == (192, 16, 2_408_448)
    both = basics["fewer-channels-and-pixels"]
    assert (both.input_shape, both.output_shape) == ((1, 256, 56, 56), (1, 128, 28, 28))
    assert (both.pixels, both.height * both.width, both.macs) == (784, 3_136, 25_690_112)


# --- selecting ----------------------------------------------------------------------------------------------------


def test_no_pattern_selects_the_groups_of_a_plain_run() -> None:
    assert {group.name for group in select([])} == {"basics", *AXES, "sweep-layout", "sweep-dtype", *PLAIN_RUN}


def test_groups_keep_catalogue_order_and_appear_once() -> None:
    chosen = select(["resnet*", "sweep-[bi]*", "basics", "resnet50_v1.5"])
    assert [group.name for group in chosen] == [
        "basics",
        "sweep-batch",
        "sweep-image",
        "sweep-in-channels",
        "resnet50_v1",
        "resnet50_v1.5",
    ]
    assert select(["*"]) == load()


def test_only_the_files_asked_for_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "good.toml").write_text(f'layer = [{{ name = "a", {GEOMETRY} }}]')
    (tmp_path / "broken.toml").write_text("=")
    monkeypatch.setattr(catalogue, "SHAPES", tmp_path)
    assert [group.name for group in select(["good"])] == ["good"]
    with pytest.raises(CatalogueError):
        select(["broken"])


def test_an_id_is_a_group_of_its_own_after_the_built_in_ones() -> None:
    identity = "n1c192h28w28-o64-bias"
    basics, own = select([identity, "basics", identity])
    assert basics.name == "basics"
    problem = Problem(batch=1, in_channels=192, out_channels=64, height=28, width=28, bias=True)
    layer = CatalogueEntry(identity, 1, problem, identity)
    assert own == Group(identity, "user", default=False, source=identity, layers=(layer,))


def test_groups_and_layers_are_frozen(groups: dict[str, Group]) -> None:
    for thing in (groups["basics"], groups["basics"].layers[0]):
        with pytest.raises(FrozenInstanceError):
            thing.name = "other"  # type: ignore[misc]  # what is tested


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        ("gogle", "no group of shapes is called 'gogle': nearest: googlenet"),
        ("ResNet50*.5", "no group of shapes is called 'ResNet50*.5': nearest: resnet50_v1.5, resnet50_v1"),
        ("", "no group of shapes is called '': `pointwise-bench suites` lists them"),
        ("zzz", "no group of shapes is called 'zzz': `pointwise-bench suites` lists them"),
        ("two\nlines", r"no group of shapes is called 'two\nlines': `pointwise-bench suites` lists them"),
        ("x" * 300, f"no group of shapes is called '{'x' * 300}': `pointwise-bench suites` lists them"),
        ("x" * 300 + ".csv", f"{'x' * 300}.csv: cannot be read: File name too long"),
        ("my/layers.json", "'my/layers.json' is no file of layers: its name must end in .toml or .csv"),
        ("n1c2h3w3", "id 'n1c2h3w3' does not read like n1c192h28w28-o64-s2-g4-bias-relu-float64-nhwc"),
        ("n1c2h3w3-o4-s1", "id 'n1c2h3w3-o4-s1' is not canonical: this problem is written 'n1c2h3w3-o4'"),
        ("n1c2h3w3-o4-g3", "n1c2h3w3-o4-g3: groups must divide in_channels: 2 % 3 is not 0"),
        ("absent.csv", "absent.csv: no such file; check the path"),
        ("unet.toml", "unet.toml: no such file; the built-in group is selected as 'unet'"),
        ("nul\0.csv", r"'nul\x00.csv': is no path: it holds a character that none may hold"),
    ],
)
@pytest.mark.usefixtures("here")
def test_a_pattern_that_selects_nothing(pattern: str, line: str) -> None:
    assert complaint(pattern) == line


def test_a_missing_file_names_the_files_beside_it(here: Path) -> None:
    for name in ("layers.csv", "other.toml", "notes.txt"):
        (here / name).touch()
    assert complaint("layer.csv") == "layer.csv: no such file; beside it there are: layers.csv, other.toml"
