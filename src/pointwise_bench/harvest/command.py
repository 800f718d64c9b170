"""What the commands ``harvest`` and ``run --model`` share: their options, and a model's file of layers."""

from __future__ import annotations

import argparse
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pointwise_bench.harvest.layer_file import FIRST_WORDS, summary, text_of
from pointwise_bench.harvest.operations import HarvestError
from pointwise_bench.harvest.pointwise import Wanted, harvest_of
from pointwise_bench.harvest.sources import NamedModel, dims_of, read, shapes_of

_LONGEST_FILE_NAME: Final = 100  # beside what is put around it; 255 bytes is what most file systems take
_DIGEST: Final = 8


def add_options(add: Callable[..., Any]) -> None:
    """The options that say how a model is to be read, for this command and for ``run``."""
    add("--input", action="append", default=[], metavar="SHAPE", help="shape of an input: 1x3x224x224 (repeatable)")
    add("--dim", action="append", default=[], metavar="NAME=SIZE", help="a size that a file leaves open (repeatable)")
    add("--allow-pickle", action="store_true", help="load a pickled module, which runs whatever code the file names")
    add("--linear", action="store_true", help="take linear layers too: their rows become pixels")
    add("--fold", action="store_true", help="take pointwise convolutions over one and three dimensions too")
    add("--residual", action="store_true", help="take a residual that is added right behind into its layer")


def harvested(model_name: str, asked: argparse.Namespace) -> tuple[str, list[str], bool]:
    """The text of the file, its summary, and whether there is no layer. Raises ``HarvestError``."""
    model = read(NamedModel(model_name, shapes_of(asked.input), dims_of(asked.dim), asked.allow_pickle))
    harvest = harvest_of(model, Wanted(asked.linear, asked.fold, asked.residual))
    return text_of(model, harvest), summary(harvest), not harvest.layers


def check_place(path: Path) -> None:
    """Refuse what is no file of layers before the model is read: a slip must not overwrite the model."""
    if path.suffix.lower() != ".toml":
        raise HarvestError(f"--out {path}: a file of layers must end in .toml")


def write(path: Path, text: str) -> None:
    """Write the file. Raises ``HarvestError``."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise HarvestError(f"{path}: cannot be written: {error.strerror}") from None


def beside(model_name: str, asked: argparse.Namespace) -> Path:
    """Harvest the model to a file in the current folder, called like the model. Raises ``HarvestError``."""
    text, lines, is_empty = harvested(model_name, asked)
    if is_empty:
        raise HarvestError(f"{model_name}: has no layer that can be measured. {' '.join(lines)}")
    path = Path(f"layers-of-{_file_name(Path(model_name).name)}.toml")  # a built-in group may be called like the model
    if path.exists() and not _is_ours(path):
        raise HarvestError(f"{path}: is there already and was not made by harvest: rename it")
    write(path, text)
    print(*lines, f"Layers of {model_name}: {path}", sep="\n", flush=True)
    return path


def _file_name(called: str) -> str:
    """What a model is called, in letters that a file may have; of a long name its beginning and a digest of all of it.

    Without the digest two models that are called alike at first would take turns in overwriting one file of layers.
    """
    name = re.sub(r"[^A-Za-z0-9_.]+", "-", called).strip("-.")
    if len(name) <= _LONGEST_FILE_NAME:
        return name
    digest = hashlib.sha256(called.encode(errors="surrogateescape")).hexdigest()[:_DIGEST]
    return f"{name[:_LONGEST_FILE_NAME]}-{digest}"


def _is_ours(path: Path) -> bool:
    try:
        return path.read_text(encoding="utf-8").startswith(FIRST_WORDS)
    except (OSError, UnicodeDecodeError):
        return False
