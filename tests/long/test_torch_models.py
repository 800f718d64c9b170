"""Models of PyTorch: a small one by three ways that must agree, and files that a process of its own loads."""

from __future__ import annotations

import pickle
import sys
import warnings
from pathlib import Path
from random import Random
from typing import Any

import pytest
from late_import import late_import

from pointwise_bench.harvest import safely
from pointwise_bench.harvest.__main__ import main
from pointwise_bench.harvest.operations import Convolution, HarvestError, Linear, OtherProduct
from pointwise_bench.harvest.sources import NamedModel, read
from pointwise_bench.harvest.torch_models import scripts
from pointwise_bench.harvest.torch_models.aten import Given, word_of

torch: Any = late_import("torch")

CODE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU6(inplace=True))
        self.left = nn.Conv2d(8, 4, 1, groups=2, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.right = nn.Conv2d(4, 8, 1)
        self.down = nn.Conv2d(8, 6, 1, stride=2)
        self.row = nn.Conv1d(6, 5, 1)
        self.head = nn.Sequential(nn.Dropout(0.1), nn.Linear(5, 7), nn.GELU())

    def forward(self, x):
        x = self.stem(x)
        x = torch.relu(x + self.right(nn.functional.silu(self.norm(self.left(x)))))
        x = nn.functional.hardswish(self.down(x)).flatten(2)
        rows = self.head(self.row(x).transpose(1, 2))
        return rows @ rows.transpose(1, 2)

def make():
    return Net()

def follows_numbers():
    class Odd(nn.Conv2d):
        def forward(self, x):
            return super().forward(x) if float(x.sum()) < 1 else x
    return Odd(3, 4, 1)

loud = 3

def broken():
    raise RuntimeError("no\\nway")
"""


@pytest.fixture
def model_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module of the user's in the current folder, and what it makes."""
    (tmp_path / "net_of_a_user.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("net_of_a_user", None)
    import importlib

    return importlib.import_module("net_of_a_user")


@pytest.fixture
def script_file(model_file: Any, tmp_path: Path) -> Path:
    """The user's model as TorchScript, which PyTorch calls deprecated and people have."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.trace(model_file.make().eval(), torch.zeros(2, 3, 10, 9)), tmp_path / "m.pt")
    return tmp_path / "m.pt"


def check(operations: Any) -> None:
    stem, left, right, down, row, head, product = operations
    assert all(isinstance(each, Convolution) for each in (stem, left, right, down, row))
    assert (stem.name, stem.kernel, stem.out_image, stem.bias, stem.activation) == (
        "stem.0",
        (3, 3),
        (5, 5),
        True,
        "relu6",
    )
    assert (left.name, left.groups, left.bias, left.activation) == ("left", 2, True, "silu")
    assert (right.name, right.image, right.bias, right.activation) == ("right", (5, 5), True, "none")
    assert [each.after_residual for each in (stem, left, right, down, row)] == [None, None, "relu", None, None]
    assert (down.name, down.stride, down.out_image, down.activation) == ("down", (2, 2), (3, 3), "hardswish")
    assert (row.name, row.image, row.batch) == ("row", (9,), 2)
    assert isinstance(head, Linear)
    assert (head.name, head.input_shape, head.out_features, head.bias) == ("head.1", (2, 9, 5), 7, True)
    assert head.activation == "gelu"
    assert isinstance(product, OtherProduct)
    assert (product.what, product.macs) == ("product of two activations", 2 * 9 * 9 * 7)


def test_a_module_of_the_users(model_file: Any) -> None:
    check(read(NamedModel("net_of_a_user:make", ((2, 3, 10, 9),))).operations)


def test_a_program_of_torch_export(model_file: Any, tmp_path: Path) -> None:
    program = torch.export.export(model_file.make().eval(), (torch.zeros(2, 3, 10, 9),))
    torch.export.save(program, tmp_path / "m.pt2")
    check(read(NamedModel("m.pt2")).operations)


def test_a_file_of_torchscript(script_file: Path) -> None:
    check(read(NamedModel("m.pt", ((2, 3, 10, 9),))).operations)
    with pytest.raises(HarvestError, match=r"^m.pt: the shape of its input is not in the file: give --input"):
        read(NamedModel("m.pt"))


def test_a_model_that_follows_numbers_is_called_in_memory(model_file: Any) -> None:
    (found,) = read(NamedModel("net_of_a_user:follows_numbers", ((1, 3, 4, 4),))).operations
    assert isinstance(found, Convolution)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["net_of_a_user:make"], "give --input"),
        (["net_of_a_user:made", "--input", "1"], "the module net_of_a_user has no made"),
        (["net_of_a_user:loud", "--input", "1"], "'int' object is not callable"),
        (["net_of_a_user:broken", "--input", "1"], "cannot be built and called: RuntimeError: no way"),
        (["net_of_a_user:make", "--input", "1x5"], "cannot be built and called"),
        (["no_such_module:make", "--input", "1"], "cannot import no_such_module"),
        (["json.py:make", "--input", "1"], "; a module is named without .py: json"),
        (["nothing"], "is no model: name"),
        (["nothing.onnx"], "no such file"),
        (["."], "is no file"),
        (["empty.onnx"], "is empty"),
        (["mine.toml"], "is a file of layers already"),
        (["any.bin"], "is a pickle or damaged"),
        (["any.what"], "is damaged, or of no kind that is known"),
        (["x.onnx", "--input", "0"], "does not read like 1x3x224x224"),
        (["x.onnx", "--dim", "n"], "does not read like batch=4"),
        (["x.onnx", "--out", "x.onnx"], "must end in .toml"),
    ],
)
def test_what_cannot_be_harvested_is_one_line(
    model_file: Any, tmp_path: Path, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.onnx").touch()
    for name in ("mine.toml", "any.bin", "any.what"):
        (tmp_path / name).write_bytes(b"\0\1\2\3\4")
    assert main(arguments) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert says in captured.err
    assert captured.err.count("\n") == 1


class Canary:
    """Leaves a file behind when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("it_ran"),))


def test_a_pickle_runs_nothing_unless_it_is_allowed_to(
    model_file: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "old.pt").write_bytes(pickle.dumps(Canary()))
    torch.save(Canary(), tmp_path / "new.pt")
    for name in ("old.pt", "new.pt"):
        with pytest.raises(HarvestError, match="unpickling runs whatever code a file names"):
            read(NamedModel(name, ((1, 3, 4, 4),)))
    assert not (tmp_path / "it_ran").exists()
    torch.save(model_file.make(), tmp_path / "new.pt")
    # In this process: what another one adds is seen with TorchScript.
    monkeypatch.setattr(safely, "read", lambda kind, *asked: scripts.from_pickle(*asked) if kind == "pickle" else None)
    check(read(NamedModel("new.pt", ((2, 3, 10, 9),), allow_pickle=True)).operations)
    torch.save({"weight": torch.zeros(1)}, tmp_path / "new.pt")
    with pytest.raises(HarvestError, match="holds a dict and no model"):
        read(NamedModel("new.pt", ((2, 3, 10, 9),), allow_pickle=True))


def test_a_process_that_dies_or_hangs_over_a_file_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HarvestError, match=r"^m: is damaged, or too large: PyTorch ended with signal 9"):
        safely._answer("", -9, "m")
    monkeypatch.setattr(safely, "LONGEST_S", 0.001)
    with pytest.raises(HarvestError, match="took more than 0 s to load"):
        safely.read("script", tmp_path / "m.pt", "m", [])


def test_a_damaged_file_of_torchscript_is_one_line(script_file: Path) -> None:
    """Few, because each takes a process that imports PyTorch."""
    content = bytearray(script_file.read_bytes())
    random = Random(20)
    for _ in range(40):
        content[random.randrange(len(content) // 2)] ^= 1 << random.randrange(8)
    script_file.write_bytes(content)
    with pytest.raises(HarvestError) as caught:
        read(NamedModel("m.pt", ((2, 3, 10, 9),)))
    assert "\n" not in str(caught.value)


def test_a_gelu_by_tanh_is_another_activation() -> None:
    def word(**values: object) -> str:
        return word_of("gelu", Given(shapes={}, values=values, results=(), dtype="float32", name="a"))

    assert (word(), word(approximate="none"), word(approximate="tanh")) == ("gelu", "gelu", "gelu_tanh")
