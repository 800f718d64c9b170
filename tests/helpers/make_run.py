"""Writes synthetic runs to disk for the tests of the report: known times, known truth."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointwise_bench.report.reading.run import Run, load_run

CEILINGS: list[dict[str, Any]] = [
    {
        "phase": phase,
        "threads": 1,
        "fma_peak_flops": {"float32": 100e9 * scale, "float64": 50e9 * scale},
        "triad_bytes_per_s": 10e9 * scale,
        "bandwidth": [[2**14, 100e9 * scale], [2**20, 40e9 * scale], [2**24, 20e9 * scale]],
    }
    for phase, scale in (("before", 0.9), ("after", 1.0))
]


def cell(backend: str, problem: str, samples: Iterable[float] = (), **changed: Any) -> dict[str, Any]:
    """One line of cells.jsonl; ``samples`` in seconds, any other key by name."""
    series = [float(one) for one in samples]
    return {
        "backend": backend,
        "problem": problem,
        "threads": 1,
        "group": "tinynet",
        "name": problem,
        "count": 1,
        "also": [],
        "device": "cpu",
        "status": "ok" if series else "failed",
        "reason": "" if series else "planted",
        "output": "fresh",
        "samples_s": series,
        "calls": 3,
        "device_samples_s": [],
        "process": [place % 3 for place in range(len(series))],  # three starts, as planned
        "round": list(range(len(series))),
        "canary_s": [0.001] * len(series),
        "error_ratio": 0.25 if series else None,
        "prepare_s": 0.01,
        "first_call_s": 0.002,
        "cpu_over_wall": 0.99,
        "peak_rss_bytes": 50_000_000,
        "isolation": "worker",
        "started_at": "2026-01-02T03:04:05Z",
    } | changed


def write_run(
    results: Path, cells: Sequence[dict[str, Any]], name: str = "2026-01-02T03-04-05Z", **changed: Any
) -> Path:
    """Write a run folder under ``results`` and return it; ``changed`` replaces keys of run.json."""
    machine: str = changed.get("machine", "testbed-2-0123abcd")
    folder = results / machine / name
    folder.mkdir(parents=True)
    settings = {
        "format": 1,
        "machine": machine,
        "started_at": name[:11] + name[11:].replace("-", ":"),
        "finished_at": "2026-01-02T03:14:05Z",
        "options": {"seed": 1},
        "policy": {"rounds": {"turn_s": 0.004, "passes": 3}, "verdict": {"margin": 0.02}},
        "project": {"version": "1.2.3", "revision": "0123abc", "clean": True},
        "environment": {"processor": "testbed", "python": "3.11", "packages": {"numpy": "2.0"}, "warnings": []},
        "ceilings": CEILINGS,
        "canary": {"description": "a loop", "unit": "s", "baseline_s": 0.001},
    } | changed
    (folder / "run.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "cells.jsonl").write_text("".join(json.dumps(one) + "\n" for one in cells), encoding="utf-8")
    return folder


def run_of(results: Path, cells: Sequence[dict[str, Any]], **changed: Any) -> Run:
    """The run that :func:`write_run` writes, as the report reads it."""
    return load_run(write_run(results, cells, **changed))


def noisy(seconds: float, seed: int = 0, noise: float = 0.01, rounds: int = 31) -> NDArray[np.float64]:
    """Times around ``seconds``, scattered by a relative ``noise``."""
    return np.asarray(seconds * np.exp(np.random.default_rng(seed).normal(0.0, noise, rounds)), dtype=np.float64)


def drifting(
    generator: np.random.Generator, seconds: Sequence[float], rounds: int = 31, noise: float = 0.02
) -> list[NDArray[np.float64]]:
    """One series per entry of ``seconds``: a machine whose speed wanders for all alike, and noise of each one's own."""
    drift = np.exp(np.cumsum(generator.normal(0.0, 0.1, rounds)))
    return [one * drift * np.exp(generator.normal(0.0, noise, rounds)) for one in seconds]
