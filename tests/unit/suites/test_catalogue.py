"""The catalogue's data against published totals, and each of its refusals by its exact line."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from dataclasses import FrozenInstanceError, asdict
from pathlib import Path

import pytest
from places import ROOT

from pointwise_bench import Problem
from pointwise_bench.suites import __main__ as command, catalogue
from pointwise_bench.suites.catalogue import CatalogueEntry, CatalogueError, Group, load, read, select

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

GEOMETRY = "batch = 1, in_channels = 8, out_channels = 4, height = 3, width = 3"
COLUMNS = "name,batch,in_channels,out_channels,height,width"


@pytest.fixture(scope="module")
def groups() -> dict[str, Group]:
    return {group.name: group for group in load()}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, so that messages name files as a user types them."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def complaint(pattern: str) -> str:
    with pytest.raises(CatalogueError) as caught:
        select([pattern])
    return str(caught.value)


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


# --- a user's own files -------------------------------------------------------------------------------------------

CSV = """\ufeffname, count,batch,in_channels,out_channels,height,width,stride,bias,activation,layout
reduce,2,1,192,64,28,28,,TRUE,relu,
,,,,,,,,,,
"short, cut",,1,256,512,56,56,2,0,,nhwc

"""
TOML = """\ufeff
common = { batch = 1 }
[[layer]]
name = "reduce"
count = 2
in_channels = 192
out_channels = 64
height = 28
width = 28
bias = true
activation = "relu"
[[layer]]
name = "short, cut"
in_channels = 256
out_channels = 512
height = 56
width = 56
stride = 2
layout = "nhwc"
"""


@pytest.mark.parametrize(("file", "text"), [("mine.csv", CSV), ("mine.TOML", TOML)])
def test_both_formats_say_the_same(here: Path, file: str, text: str) -> None:
    (here / file).write_text(text, encoding="utf-8")
    (group,) = select([file, str(here / file)])
    assert (group.name, group.kind, group.source) == ("mine", "user", file)
    assert [(layer.name, layer.count, layer.problem.id) for layer in group.layers] == [
        ("reduce", 2, "n1c192h28w28-o64-bias-relu"),
        ("short, cut", 1, "n1c256h56w56-o512-s2-nhwc"),
    ]


def test_a_copy_of_a_built_in_file_works_under_another_name(here: Path, groups: dict[str, Group]) -> None:
    (here / "mine.toml").write_bytes((catalogue.SHAPES / "googlenet.toml").read_bytes())
    basics, mine = select(["mine.toml", "basics"])
    assert basics.name == "basics"
    assert (mine.name, mine.kind, mine.default) == ("mine", "user", False)
    assert mine.layers == groups["googlenet"].layers


def test_a_file_named_like_a_built_in_group_is_refused(here: Path) -> None:
    (here / "unet.csv").write_text(f"{COLUMNS}\na,1,8,4,3,3\n")
    assert complaint("unet.csv") == (
        "unet.csv: 'unet' is the name of a built-in group: rename the file,"
        " or select 'unet' without '.csv' if you meant that group"
    )


def test_two_files_of_one_name_are_refused(here: Path) -> None:
    (here / "mine.csv").write_text(f"{COLUMNS}\na,1,8,4,3,3\n")
    (here / "mine.toml").write_text(f'layer = [{{ name = "a", {GEOMETRY} }}]')
    with pytest.raises(CatalogueError) as caught:
        select(["mine.csv", "mine.toml"])
    assert str(caught.value) == "mine.toml: two selected groups are named 'mine': rename one of the files"


VALID_KEYS = (
    "name, count, batch, in_channels, out_channels, height, width, stride, groups, bias, add, activation, dtype,"
    " layout, direction, source, network_activation"
)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "has no layers: add at least one with name, batch, in_channels, out_channels, height, width"),
        ("layer = 3", "layer must be a list of tables: write each layer below a line [[layer]]"),
        ("[layer]\nname = 'a'", "layer must be a list of tables: write each layer below a line [[layer]]"),
        ("common = 3", "common must be a table such as { batch = 1 }, got 3"),
        ("common = { c_in = 3 }", "common: unknown key 'c_in' (write in_channels)"),
        ("layers = []", "unknown key 'layers' (write layer)"),
        ("default = 1", "default must be true or false, got 1"),
        ("kind = 'nets'", "kind must be one of basics, claims, sweep, network, museum, user, got 'nets'"),
        ("kind = []", "kind must be one of basics, claims, sweep, network, museum, user, got []"),
        ("source = 3", "source must be a text of printable characters, got 3"),
        ("a = ", "is not valid TOML: Invalid value (at end of document)"),
        (
            "layer = [{ name = 'a', in_channel = 3, fruit = 1 }]",
            "layer 'a': unknown key 'in_channel' (write in_channels), 'fruit' (remove it); the valid ones are "
            + VALID_KEYS,
        ),
        ("layer = [{ name = 'a', C_in = 3 }]", "layer 'a': unknown key 'C_in' (write in_channels)"),
        ("layer = [{ name = 'a', batch = 1 }]", "layer 'a': lacks in_channels, out_channels, height, width: add them"),
        (f"layer = [{{ {GEOMETRY} }}]", "layer number 1: lacks name: add it"),
        (
            f"layer = [{{ name = 3, {GEOMETRY} }}]",
            "layer number 1: name must be a text of printable characters, got 3",
        ),
        (
            f"layer = [{{ name = 'a', {GEOMETRY}, count = 0 }}]",
            "layer 'a': count must be a whole number of at least 1, got 0",
        ),
        (
            f"layer = [{{ name = 'a', {GEOMETRY}, count = true }}]",
            "layer 'a': count must be a whole number of at least 1, got True",
        ),
        (
            f"layer = [{{ name = 'a', {GEOMETRY}, stride = 1.5 }}]",
            "layer 'a': stride must be a whole number of at least 1, got 1.5",
        ),
        (
            f"layer = [{{ name = 'a', {GEOMETRY}, activation = 'tanh' }}]",
            "layer 'a': activation must be one of none, relu, relu6, silu, hardswish, gelu, got 'tanh'",
        ),
        (
            f"layer = [{{ name = 'a', {GEOMETRY}, network_activation = '' }}]",
            "layer 'a': network_activation must be a text of printable characters, got ''",
        ),
        (
            f"layer = [{{ name = 'a', {GEOMETRY} }}, {{ name = 'a', {GEOMETRY}, stride = 2 }}]",
            "layer 'a': the name is already taken: write for example 'a@3x3'",
        ),
        (
            f"layer = [{{ name = 'a', {GEOMETRY} }}, {{ name = 'b', {GEOMETRY}, count = 2 }}]",
            "layer 'b': is the same problem as layer 'a' (n1c8h3w3-o4): keep one of them with count 3",
        ),
    ],
)
def test_a_toml_file_that_cannot_be_used(here: Path, text: str, line: str) -> None:
    (here / "mine.toml").write_text(text)
    assert complaint("mine.toml") == f"mine.toml: {line}"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "has no layers: add at least one with name, batch, in_channels, out_channels, height, width"),
        (COLUMNS, "has no layers: add at least one with name, batch, in_channels, out_channels, height, width"),
        (f"\n{COLUMNS},h_in", "line 2: unknown column 'h_in' (write height)"),
        (f"{COLUMNS},width", "line 1: column 'width' is there twice: remove one"),
        ("name,batch,height,width", "line 1: lacks in_channels, out_channels: add them"),
        (f"{COLUMNS}\na,1,8,4,3", "line 2: has 5 cells where the header has 6: write as many"),
        (f"{COLUMNS}\n\na,1,8,4,3,", "line 3: layer 'a': lacks width: add it"),
        (f"{COLUMNS}\n,1,8,4,3,3", "line 2: lacks name: add it"),
        (f"{COLUMNS}\na,1,8.0,4,3,3", "line 2: layer 'a': in_channels must be a whole number of at least 1, got '8.0'"),
        (f"{COLUMNS}\na,1,-8,4,3,3", "line 2: layer 'a': in_channels must be a whole number of at least 1, got -8"),
        (f"{COLUMNS},bias\na,1,8,4,3,3,yes", "line 2: layer 'a': bias must be True or False, got 'yes'"),
        (f"{COLUMNS},groups\na,1,8,4,3,3,8", "line 2: layer 'a': groups must divide out_channels: 4 % 8 is not 0"),
        (
            f"{COLUMNS},count\na,1,8,4,3,3,two",
            "line 2: layer 'a': count must be a whole number of at least 1, got 'two'",
        ),
        (
            f"{COLUMNS}\na,1,8,4,3,3\na,1,8,4,5,3",
            "line 3: layer 'a': the name is already taken: write for example 'a@5x3'",
        ),
        (
            f"{COLUMNS}\na,1,8,4,3,3\nb,1,8,4,3,3",
            "line 3: layer 'b': is the same problem as layer 'a' (n1c8h3w3-o4): keep one of them with count 2",
        ),
        (f'{COLUMNS}\n"a,1,8,4,3,3\nb,1,8,4,3,3', "line 3: is not valid CSV: unexpected end of data"),
    ],
)
def test_a_csv_file_that_cannot_be_used(here: Path, text: str, line: str) -> None:
    (here / "mine.csv").write_text(text)
    assert complaint("mine.csv") == f"mine.csv: {line}"


def test_a_number_too_long_for_python_is_refused_like_any_other(here: Path) -> None:
    (here / "mine.csv").write_text(f"{COLUMNS}\na,1,{'9' * 5000},4,3,3")
    assert complaint("mine.csv").startswith("mine.csv: line 2: layer 'a': in_channels must be a whole number")


def test_files_that_are_no_text(here: Path) -> None:
    (here / "mine.csv").write_text(COLUMNS, encoding="utf-16")
    assert complaint("mine.csv") == "mine.csv: is not UTF-8 text: save it as UTF-8"
    (here / "layers.json").touch()
    assert complaint("layers.json") == "'layers.json' is no file of layers: its name must end in .toml or .csv"
    (here / "folder.toml").mkdir()
    assert complaint("folder.toml") == "folder.toml: is no file: name a .toml or .csv file of layers"
    (here / "deep.toml").write_text("a = " + "[" * 100_000)
    assert complaint("deep.toml").startswith("deep.toml: is not valid TOML: ")


def test_every_message_is_one_line(here: Path) -> None:
    (here / "a\nb.csv").write_text("")
    assert "\n" not in complaint("a\nb.csv")
    assert "\n" not in complaint("c\nd.csv")


# --- the command --------------------------------------------------------------------------------------------------


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pointwise_bench", "suites", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_list_of_groups(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["group", "kind", "layers", "occurrences", "multiply-adds", "(M)"]
    rows = [line.split() for line in lines[1 : lines.index("")]]
    assert ["*", "resnet50_v1.5", "network", "15", "36", "2,119.43"] in rows
    assert ["mobilenet_v1", "network", "9", "13", "539.49"] in rows
    assert sum(row[0] == "*" for row in rows) == len(select([]))
    assert len({len(line) for line in lines[: lines.index("")]}) == 1, "the last column is not aligned to the right"
    assert "--shapes GROUP" in lines[-1]


def test_the_layers_of_groups_and_files(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "mine.csv").write_text(CSV, encoding="utf-8")
    assert command.main(["mine.csv", "basics"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["one-channel", "n1c1h7w7-o1", "1", "49", "1", "0.4"] in rows
    assert ["reduce", "n1c192h28w28-o64-bias-relu", "2", "9,633,792", "12,352", "832.2"] in rows


def test_bad_input_is_one_line_and_exit_code_4() -> None:
    for arguments, line in (
        (["gogle"], "pointwise-bench suites: no group of shapes is called 'gogle': nearest: googlenet\n"),
        (
            ["--cost\nly"],
            "pointwise-bench suites: unrecognized arguments: --cost ly; see pointwise-bench suites --help\n",
        ),
    ):
        finished = run(*arguments)
        assert (finished.returncode, finished.stdout, finished.stderr) == (4, "", line)


def test_help_teaches_with_examples() -> None:
    finished = run("--help")
    assert finished.returncode == 0
    for word in ("pointwise-bench suites googlenet", "my_layers.csv", "--shapes", "n1c192h28w28-o64-bias"):
        assert word in finished.stdout


def test_the_file_that_help_shows_can_be_used(here: Path) -> None:
    shown = command._EXAMPLES.partition("default):\n")[2].partition("\n\n")[0]
    (here / "my_layers.csv").write_text("\n".join(line.strip() for line in shown.splitlines()))
    assert [layer.count for layer in read(Path("my_layers.csv")).layers] == [2, 1]


def test_the_file_that_the_module_shows_can_be_used(here: Path) -> None:
    shown = (catalogue.__doc__ or "").partition("::\n")[2].partition("\nA CSV")[0]
    assert tomllib.loads(shown)
    (here / "mine.toml").write_text(shown)
    assert [layer.problem.id for layer in read(Path("mine.toml")).layers] == ["n1c192h28w28-o64-bias"]


def test_names_that_the_terminal_cannot_show_are_escaped(here: Path) -> None:
    (here / "mine.csv").write_text(f"{COLUMNS}\né,1,8,4,3,3\n", encoding="utf-8")
    finished = run(str(here / "mine.csv"), PYTHONIOENCODING="ascii")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert r"\xe9 " in finished.stdout


def test_a_reader_that_leaves_early_causes_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    finished = subprocess.run(
        [sys.executable, "-m", "pointwise_bench", "suites"],
        cwd=ROOT,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert finished.stderr == ""


def test_the_command_imports_nothing_heavy() -> None:
    code = "import sys, suites.__main__ as m; m.main([]); print({'numpy', 'pandas', 'torch', 'numba'} & {*sys.modules})"
    finished = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert finished.stdout.splitlines()[-1] == "set()"
