"""Layers of programs of ``torch.export``: read from their JSON, whatever is in it."""

from __future__ import annotations

import copy
import zipfile
from pathlib import Path
from random import Random
from typing import Any

import pytest
from make_program import call, program, save

from pointwise_bench.harvest import exported_program
from pointwise_bench.harvest.operations import Convolution, HarvestError, Linear, OtherProduct
from pointwise_bench.harvest.sizes import size_of, symbol_of

BATCH = "Symbol('s31', positive=True, integer=True)"
CALLS = [
    call("conv2d", "a", input="x", weight="w1", bias=None, stride=[2, 2]),
    call("batch_norm", "b", input="a", weight="n", training=False),
    call("hardtanh_", "c", self="b", min_val=0.0, max_val=6.0),
    call("conv2d", "d", input="c", weight="w2", bias="n", padding=[1, 1]),
    call("flatten", "e", self="d", start_dim=1),
    call("linear", "f", input="e", weight="w3", bias="n"),
    call("silu", "g", self="f"),
    call("matmul", "h", self="f", other="f"),
]
SHAPES: dict[str, list[int | str]] = {
    "x": [BATCH, 3, 8, 7],
    **{name: [BATCH, 4, 4, 4] for name in "abc"},
    "d": [BATCH, 5, 6, 6],
    "e": [BATCH, 180],
    **{name: [BATCH, 9] for name in "fgh"},
    "n": [4],
    "w1": [4, 3, 1, 1],
    "w2": [5, 2, 1, 1],
    "w3": [9, 180],
}
CALLS[3]["inputs"].append({"name": "groups", "arg": {"as_int": 2}})
PROGRAM = program(CALLS, SHAPES, {"w1": "stem.conv.weight", "w2": "two.weight", "w3": "w3", "n": "bn.weight"}, ["g"])


def test_layers_have_their_sizes_names_and_what_follows(tmp_path: Path) -> None:
    path = tmp_path / "m.pt2"
    save(path, PROGRAM)
    model = exported_program.from_file(path, "m", {"x.0": 6})
    stem, padded, linear, product = model.operations
    assert model.details == "input 6x3x8x7"
    assert isinstance(stem, Convolution)
    assert (stem.name, stem.batch, stem.image, stem.stride, stem.out_image) == ("stem.conv", 6, (8, 7), (2, 2), (4, 4))
    assert (stem.bias, stem.activation) == (True, "relu6")
    assert isinstance(padded, Convolution)
    assert (padded.padding, padded.groups, padded.activation, padded.bias) == ((1, 1), 2, "none", True)
    assert isinstance(linear, Linear)
    # Its result is read twice: as an activation's input and by a product.
    assert (linear.name, linear.input_shape, linear.out_features) == ("f_module", (6, 180), 9)
    assert linear.activation == "none"
    assert isinstance(product, OtherProduct)


def test_sizes_that_are_left_open_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "m.pt2"
    save(path, PROGRAM)
    with pytest.raises(HarvestError, match=r"^m: sizes of its inputs are left open: give --dim x.0=SIZE$"):
        exported_program.from_file(path, "m", {})
    assert len(exported_program.from_file(path, "m", {"s31": 1}).operations) == 4


@pytest.mark.parametrize("damage", ["json", "key", "shape", "no zip", "too large", "too many"])
def test_damages_are_one_line(tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.pt2"
    content = program(CALLS, {**SHAPES, "a": [1 << 50, 4, 4, 4]} if damage == "shape" else SHAPES, {}, ["g"])
    if damage == "key":
        del content["graph_module"]["graph"]["tensor_values"]
    save(path, content)
    if damage == "json":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("m/models/model.json", "[" * 100_000)
    if damage == "no zip":
        path.write_bytes(b"PK\x03\x04")
    if damage == "too large":
        monkeypatch.setattr("pointwise_bench.harvest.archive._LARGEST_TEXT", 100)
    if damage == "too many":
        monkeypatch.setattr("pointwise_bench.harvest.archive._MOST_MEMBERS", 0)
    with pytest.raises(HarvestError) as caught:
        exported_program.from_file(path, "m", {"s31": 1})
    assert "\n" not in str(caught.value)
    assert {"too large": "larger than any program", "too many": "members"}.get(damage, "m:") in str(caught.value)


def test_a_file_damaged_at_random_ends_with_one_line_or_with_layers(tmp_path: Path) -> None:
    random, path = Random(18), tmp_path / "m.pt2"
    save(path, PROGRAM)
    whole = path.read_bytes()
    lines: list[str] = []
    for _ in range(200):
        content = bytearray(whole)
        for _ in range(random.randint(1, 3)):
            place = random.randrange(len(content))
            if random.random() < 0.3:
                del content[place : place + random.randint(1, 40)]
            else:
                content[place] = random.randrange(256)
        path.write_bytes(content)
        try:
            exported_program.from_file(path, "m", {"s31": 1})
        except HarvestError as error:
            lines.append(str(error))
    assert len(lines) > 100
    assert not [line for line in lines if "\n" in line]


def test_the_words_of_a_program_are_damaged_one_by_one(tmp_path: Path) -> None:
    """Behind the archive's checksums: a value is of another type, or gone."""
    random, path = Random(19), tmp_path / "m.pt2"
    lines: list[str] = []
    for _ in range(200):
        save(path, _damaged(copy.deepcopy(PROGRAM), random))
        try:
            exported_program.from_file(path, "m", {"s31": 1})
        except HarvestError as error:
            lines.append(str(error))
    assert len(lines) > 50
    assert not [line for line in lines if "\n" in line]


def _damaged(content: dict[str, Any], random: Random) -> dict[str, Any]:
    holder: Any = content
    while True:
        key = random.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        if not isinstance(holder[key], dict | list) or not holder[key] or random.random() < 0.1:
            break
        holder = holder[key]
    if random.random() < 0.3:
        del holder[key]
    else:
        holder[key] = random.choice([None, -1, 1 << 70, "", "x", [], {}, 1e300])
    return content


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("s0", 7),
        ("2*s0 + 1", 15),
        ("((s0 - 1)//2) + 1", 4),
        ("Mul(Integer(2), Symbol('s0', positive=True, integer=True))", 14),
        ("Add(FloorDiv(Add(Symbol('s0'), Integer(-1)), Integer(2)), Integer(1))", 4),
        ("s0**2", 49),
        ("s1", None),
        ("s0**s0", None),
        ("__import__('os')", None),
        ("s0.real", None),
        ("Max(s0, 9)", 9),
        ("1//0", None),
        ("9" * 30, None),
        ("(" * 500, None),
        ("-" * 1500 + "1", None),
        ("*".join(["s0"] * 60), None),
    ],
)
def test_a_size_is_computed_from_names_and_nothing_else(text: str, size: int | None) -> None:
    assert size_of(text, {"s0": 7}) == size


def test_a_symbol_is_told_from_an_expression() -> None:
    assert [symbol_of(text) for text in ("s0", BATCH, "2*s0", "")] == ["s0", "s31", None, None]
