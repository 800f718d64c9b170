"""Writes runs of any size to disk, for whoever asks what a report costs; `python tests/helpers/make_large_run.py`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from make_run import cell, write_run

STARTS: Final = 3


def many_cells(
    backends: int = 10, layers: int = 25, networks: int = 4, samples: int = 30, seed: int = 0
) -> Iterator[dict[str, Any]]:
    """Networks of distinct problems with every backend on each; rounds are paired, and backends differ a little."""
    generator = np.random.default_rng(seed)
    process = np.repeat(np.arange(STARTS), -(-samples // STARTS))[:samples].tolist()
    for network in range(networks):
        for layer in range(layers):
            problem = f"n1c{8 * (1 + layer)}h7w7-o{8 * (1 + network)}"
            drift = np.exp(generator.normal(0.0, 0.05, samples))
            for backend in range(backends):
                times = 1e-4 * (1 + 0.03 * backend) * drift * np.exp(generator.normal(0.0, 0.02, samples))
                yield cell(
                    f"backend-{backend:04}",
                    problem,
                    times.tolist(),
                    group=f"network-{network:04}",
                    name=f"layer.{layer}.conv",
                    process=process,
                )


def one_long_line(samples: int = 40_000) -> Iterator[dict[str, Any]]:
    """Two backends on one problem, with as many samples each."""
    return many_cells(backends=2, layers=1, networks=1, samples=samples)


def failed_cells(count: int = 20_000) -> Iterator[dict[str, Any]]:
    """Cells of one group, of which none has a time: ten backends, each with as many problems as that needs."""
    for number in range(count):
        yield cell(
            f"backend-{number % 10:04}",
            f"n1c{8 + number // 10}h7w7-o8",
            name=f"layer.{number // 10}",
            status="crashed",
            reason=f"signal {number % 7}",
        )


def many_groups(count: int = 2_000) -> Iterator[dict[str, Any]]:
    """As many networks of two layers, with two backends."""
    return many_cells(backends=2, layers=2, networks=count, samples=12)


def many_backends(count: int = 3_000) -> Iterator[dict[str, Any]]:
    """All of them on one problem."""
    return many_cells(backends=count, layers=1, networks=1, samples=18)


def write_many_runs(results: Path, runs: int, cells: int, backends: int = 10, samples: int = 30) -> list[Path]:
    """Runs of one machine, with as many ``cells`` each, in networks of 25 layers."""
    networks = -(-cells // (25 * backends))
    return [
        write_run(
            results,
            list(many_cells(backends, 25, networks, samples, seed=number)),
            name=f"2026-01-{1 + number:02}T03-04-05Z",
        )
        for number in range(runs)
    ]


KINDS: Final = {
    "samples": lambda: many_cells(backends=10, layers=25, networks=40, samples=240),
    "line": one_long_line,
    "failed": failed_cells,
    "groups": many_groups,
    "backends": many_backends,
}
"""The sizes that a report is to be built in seconds for, besides twenty runs of 5,000 cells."""


def main() -> None:
    """All of them, or those named, each in a folder of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("kinds", nargs="*", default=["runs", *KINDS])
    options = parser.parse_args()
    for kind in options.kinds:
        if kind == "runs":
            write_many_runs(options.out / kind, 20, 5_000)
        else:
            write_run(options.out / kind, list(KINDS[kind]()))


if __name__ == "__main__":
    main()
