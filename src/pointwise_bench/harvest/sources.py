"""Which kinds of models there are, and how one is told from another."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pointwise_bench.harvest import exported_program, safely
from pointwise_bench.harvest.onnx_file import layers
from pointwise_bench.harvest.operations import HarvestedModel, HarvestError
from pointwise_bench.harvest.texts import kinds
from pointwise_bench.harvest.torch_models import modules, scripts

_PICKLES: Final = (".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt")
_LAYERS: Final = (".toml", ".csv")
_FACTORY: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
MODULES: Final = "package.module:factory --input SHAPE, torchvision:NAME or timm:NAME"
KINDS: Final = (
    "a file of ONNX, torch.export or TorchScript, a batch file or log of oneDNN, a table of torchinfo or fvcore,"
    f" a list of DeepBench, {MODULES}"
)


@dataclass(frozen=True)
class NamedModel:
    """A model, and what its file or its code does not tell."""

    model: str
    inputs: tuple[tuple[int, ...], ...] = ()
    dims: Mapping[str, int] = field(default_factory=dict)
    allow_pickle: bool = False
    """Whether a file may be unpickled, which runs whatever code it names."""


def read(asked: NamedModel) -> HarvestedModel:
    """The operations of a model. Raises ``HarvestError``."""
    scheme, name = _scheme(asked.model)
    if scheme:
        by_name = modules.from_torchvision if scheme == "torchvision" else modules.from_timm
        return by_name(name, asked.model, asked.inputs)
    path = Path(asked.model)
    if _is_file(path):
        return _from_file(path, asked)
    if _FACTORY.fullmatch(asked.model):
        return modules.from_factory(asked.model, asked.model, asked.inputs)
    if path.suffix or "/" in asked.model:
        raise HarvestError(f"{asked.model}: no such file")
    raise HarvestError(f"{asked.model!r} is no model: name {KINDS}")


def maker_of_module(asked: NamedModel) -> Callable[[], modules.Made]:
    """A function that makes the torch module of that name, and says for which inputs. Raises ``HarvestError``."""
    scheme, name = _scheme(asked.model)
    if scheme:
        by_name = modules.made_by_torchvision if scheme == "torchvision" else modules.made_by_timm
        return by_name(name, asked.model, asked.inputs)
    if _FACTORY.fullmatch(asked.model) and not _is_file(Path(asked.model)):
        return modules.made_by_factory(asked.model, asked.model, asked.inputs)
    raise HarvestError(f"{asked.model!r} is no module of PyTorch: name {MODULES}")


def _scheme(model: str) -> tuple[str, str]:
    """Whose model it is, and its name there; both empty where it is named in another way."""
    scheme, _, name = model.partition(":")
    return (scheme, name) if scheme in ("torchvision", "timm") and name else ("", "")


def _is_file(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _from_file(path: Path, asked: NamedModel) -> HarvestedModel:
    if not path.is_file():  # of a pipe one would wait for the end
        raise HarvestError(f"{path}: is no file")
    try:
        if path.stat().st_size == 0:
            raise HarvestError(f"{path}: is empty")
        return _by_kind(path, asked)
    except OSError as error:
        raise HarvestError(f"{path}: cannot be read: {error.strerror}") from None


def _by_kind(path: Path, asked: NamedModel) -> HarvestedModel:
    """Archives and pickles are told by their content: several kinds share the ending ``.pt``."""
    if path.suffix.lower() == ".onnx":
        return layers.from_file(path, path.name, asked.dims)
    with path.open("rb") as file:
        begins = file.read(4)
    if exported_program.program_of(path) is not None:
        return exported_program.from_file(path, path.name, asked.dims)
    if scripts.is_script(path):
        return safely.read("script", path, path.name, asked.inputs)
    if path.suffix.lower() in _LAYERS:
        raise HarvestError(f"{path}: is a file of layers already: give it to `run --shapes`")
    told = kinds.from_file(path, path.name)
    if told is not None:
        return told
    if begins[:1] == b"\x80" or path.suffix.lower() in _PICKLES:
        return _from_pickle(path, asked)
    raise HarvestError(f"{path}: is damaged, or of no kind that is known: name {KINDS}")


def _from_pickle(path: Path, asked: NamedModel) -> HarvestedModel:
    if not asked.allow_pickle:
        raise HarvestError(
            f"{path}: is a pickle or damaged, and unpickling runs whatever code a file names: --allow-pickle"
            " loads it all the same; torch.export.save and ONNX make files that run nothing"
        )
    return safely.read("pickle", path, path.name, asked.inputs)


def shapes_of(texts: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """Shapes of inputs such as ``1x3x224x224``. Raises ``HarvestError``."""
    return tuple(_shape(text) for text in texts)


def _shape(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"[1-9]\d{0,8}([x,][1-9]\d{0,8}){0,7}", text):
        raise HarvestError(f"--input {text!r} does not read like 1x3x224x224")
    return tuple(int(size) for size in re.split("[x,]", text))


def dims_of(texts: Sequence[str]) -> dict[str, int]:
    """Sizes by name such as ``batch=4``. Raises ``HarvestError``."""
    dims: dict[str, int] = {}
    for text in texts:
        name, _, size = text.rpartition("=")
        if not name or not re.fullmatch(r"[1-9]\d{0,8}", size):
            raise HarvestError(f"--dim {text!r} does not read like batch=4")
        dims[name] = int(size)
    return dims
