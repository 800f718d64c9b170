"""A user's own files of layers: both formats, and each refusal by its exact line."""

from __future__ import annotations

from pathlib import Path

import pytest
from layer_files import COLUMNS, CSV, GEOMETRY, TOML, complaint

from pointwise_bench.suites import catalogue
from pointwise_bench.suites.catalogue import CatalogueError, Group, select


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
