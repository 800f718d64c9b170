"""Writes a ``models.json`` beside synthetic runs: whole models of known times."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MACHINE = "testbed-2-0123abcd"


def way(samples: Sequence[float] = (), **changed: Any) -> dict[str, Any]:
    """One way; without samples it is not here."""
    there = bool(samples)
    return {
        "status": "ok" if there else "unavailable",
        "reason": "" if there else "planted <reason>",
        "samples_s": list(samples),
        "differs": 1e-7 if there else None,
    } | changed


def timed_model(over: float = 2.0, **changed: Any) -> dict[str, Any]:
    """One entry: three starts of five rounds, the model as it was taking ``over`` times as long as optimised."""
    ours = [1e-3 + 1e-6 * (number % 5) for number in range(15)]
    return {
        "model": "torchvision:<net>",
        "input": [1, 3, 8, 8],
        "threads": 1,
        "measured_at": "2026-01-02T03:04:05Z",
        "project": {"version": "1.2.3", "revision": None, "clean": None},
        "packages": {"torch": "2.9"},
        "used": [True, True, True],
        "why": ["optimised: planted"] * 3,
        "start": [0] * 5 + [1] * 5 + [2] * 5,
        "ways": {
            "eager": way([over * one for one in ours]),
            "optimised": way(ours),
            "without-kernel": way([1.1 * one for one in ours]),
            "torch.compile": way([1.01 * one for one in ours]),
            "onnxruntime": way(),
        },
        "layers": [
            {"name": "first", "ways": ["oneDNN"] * 3, "why": "oneDNN 1 us", "with": ["normalisation", "relu"]},
            {"name": "last", "ways": ["modules", "oneDNN", "modules"], "why": "modules 1 us", "with": []},
        ],
    } | changed


def write_models(machine_folder: Path, models: Sequence[Any], **changed: Any) -> Path:
    """The file, as ``pointwise-bench optimize`` leaves it."""
    machine_folder.mkdir(parents=True, exist_ok=True)
    path = machine_folder / "models.json"
    content = {"format": 1, "machine": MACHINE, "models": list(models)} | changed
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
