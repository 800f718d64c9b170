"""``models.json``, beside the runs of a machine: what was measured of whole models there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pointwise_bench.common.formats import MODELS_FILE, MODELS_FORMAT, MOST_BESIDE_BYTES
from pointwise_bench.common.regular_files import read_earlier, write_whole


def keep(entry: Mapping[str, Any], results: Path, machine: str) -> Path:
    """Put an entry into the file, in the place of the same model with the same input and threads; the others stay.

    ``OSError`` where it cannot be written.
    """
    folder = results / machine
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / MODELS_FILE
    others = [each for each in _earlier(path) if _key(each) != _key(entry)]
    content = {"format": MODELS_FORMAT, "machine": machine, "models": sorted([*others, dict(entry)], key=_key)}
    write_whole(path, json.dumps(content, indent=1) + "\n")
    return path


def _earlier(path: Path) -> list[dict[str, Any]]:
    """The models in a file of this format and machine."""

    def read(content: Any) -> list[dict[str, Any]]:
        if (content["format"], content["machine"]) != (MODELS_FORMAT, path.parent.name):
            raise ValueError("of another format or machine")
        models: list[dict[str, Any]] = content["models"]
        if not all(isinstance(name, str) and type(threads) is int for name, _, threads in map(_key, models)):
            raise ValueError("holds what no model is called by")
        return models

    return read_earlier(path, MOST_BESIDE_BYTES, read)


def _key(entry: Mapping[str, Any]) -> tuple[str, str, int]:
    return entry["model"], "x".join(map(str, entry["input"])), entry["threads"]
