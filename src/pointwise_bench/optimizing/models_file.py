"""``models.json``, beside the runs of a machine: what was measured of whole models there."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pointwise_bench.common.formats import MODELS_FILE, MODELS_FORMAT, MOST_BESIDE_BYTES
from pointwise_bench.common.regular_files import NotRegular, TooLarge, read_regular


def keep(entry: Mapping[str, Any], results: Path, machine: str) -> Path:
    """Put an entry into the file, in the place of the same model with the same input and threads; the others stay.

    ``OSError`` where it cannot be written.
    """
    folder = results / machine
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / MODELS_FILE
    others = [each for each in _earlier(path) if _key(each) != _key(entry)]
    content = {"format": MODELS_FORMAT, "machine": machine, "models": sorted([*others, dict(entry)], key=_key)}
    # In the place of the former file as a whole: a link there is not followed, and nobody reads a half.
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".models-")
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
            file.write("\n")
        draft.chmod(0o644)
        draft.replace(path)
    except BaseException:
        draft.unlink()
        raise
    return path


def _earlier(path: Path) -> list[dict[str, Any]]:
    """What is there and is of this format; a file that is damaged, too large, or of a newer one, is put aside."""
    if not path.exists() or path.is_symlink():
        return []
    try:
        content = json.loads(read_regular(path, MOST_BESIDE_BYTES))
        if content["format"] == MODELS_FORMAT:
            models: list[dict[str, Any]] = content["models"]
            list(map(_key, models))
            return models
    except (NotRegular, TooLarge, ValueError, KeyError, TypeError, RecursionError):
        pass
    path.replace(path.with_name(f"{path.name}.damaged"))
    return []


def _key(entry: Mapping[str, Any]) -> tuple[str, str, int]:
    return entry["model"], "x".join(map(str, entry["input"])), int(entry["threads"])
