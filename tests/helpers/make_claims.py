"""Findings of claims whose times are known, for the tests of the report, and runs that hold them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from corruptions import clean_lines, clean_settings, written
from make_run import CEILINGS

from pointwise_bench.report.claims.gains import Gain, gains
from pointwise_bench.report.reading.claims import ReadClaims, read_claims
from pointwise_bench.suites.claims import get

ROUNDS, STARTS = 5, 3
PROCESS: Final = [start for start in range(STARTS) for _ in range(ROUNDS)]

Steps = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Seconds by variant, branch and kind of step."""

STRIDE: Final[dict[str, dict[str, dict[str, float]]]] = {
    "every pixel, then one in four": {"whole": {"product": 4e-3, "crossing": 0.5e-3, "subsample": 0.5e-3}},
    "stride 2": {"whole": {"product": 2e-3}},
}


def claim_line(claim: str, backend: str, steps: Steps, **changed: Any) -> dict[str, Any]:
    """A line of claims.jsonl whose times are the sums of its steps, on a machine that wanders."""
    wander = [1 + 0.3 * (place % ROUNDS) for place in range(len(PROCESS))]
    totals = {variant: sum(sum(kinds.values()) for kinds in own.values()) for variant, own in steps.items()}
    several = {variant: own for variant, own in steps.items() if len(own) > 1}
    return {
        "claim": claim,
        "backend": backend,
        "threads": 1,
        "device": "cpu",
        "output": "fresh",
        "isolation": "worker",
        "started_at": "2026-01-02T03:04:05Z",
        "status": "ok",
        "reason": "",
        "process": PROCESS,
        "samples_s": {variant: [total * one for one in wander] for variant, total in totals.items()},
        "branches_s": {
            variant: {branch: [sum(kinds.values()) * one for one in wander] for branch, kinds in own.items()}
            for variant, own in several.items()
        },
        "calls": {variant: [1] * STARTS for variant in steps},
        "steps_s": steps,
        "smallest_call_s": 1e-6,
        "error_ratio": 0.5,
        "cpu_over_wall": 1.0,
    } | changed


def module(name: str, factor: float, backend: str = "a") -> dict[str, Any]:
    """A line of an inception module of which every branch is ``factor`` times as fast when it is reduced."""
    branches = {"3x3": {"product": 3e-3}, "5x5": {"product": 5e-3}, "1x1": {"product": 1e-3}, "pool": {"product": 1e-3}}
    faster = {branch: {"product": kinds["product"] / factor} for branch, kinds in branches.items()}
    return claim_line(f"inception-{name}", backend, {"direct": branches, "reduced": faster})


def claims_of(folder: Path, *lines: dict[str, Any], names: tuple[str, ...] = ("stride",)) -> ReadClaims:
    """The claims of those names as read from ``folder``, where ``lines`` are put into claims.jsonl."""
    (folder / "claims.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    return read_claims(folder, [get(name).described for name in names])


def gains_of(folder: Path, *lines: dict[str, Any], names: tuple[str, ...] = ("stride",)) -> list[Gain]:
    """The gains in those claims."""
    return gains(claims_of(folder, *lines, names=names))


def described(name: str, **changed: Any) -> dict[str, Any]:
    """A claim as run.json describes one: of two branches, each of which has half of its outputs left.

    A branch of ``whole`` has 8 channels of 4 x 4 pixels and 16 outputs: 256 results, 128 weights, 2,048 multiply-adds
    and 2,048 bytes. One of ``half`` has 8 outputs: 128, 64, 1,024 and 1,280. So half is predicted to be 2 times as
    fast by multiply-adds, and 1.6 times by bytes.
    """
    whole, half = ["product", "n1c8h4w4-o16"], ["product", "n1c8h4w4-o8"]
    variants = [
        {"name": "whole", "branches": {"left": [whole], "right": [whole]}},
        {"name": "half", "branches": {"left": [half], "right": [half]}},
    ]
    said = {"number": 7, "says": f"{name} says so", "source": "a book", "total": "", "by": "macs", "variants": variants}
    return {"name": name} | said | changed


def halves(name: str, backend: str, left: float, right: float, **changed: Any) -> dict[str, Any]:
    """A line of such a claim: both branches of the whole take 1 ms, those of the half ``left`` and ``right``."""
    steps = {
        "whole": {"left": {"product": 1e-3}, "right": {"product": 1e-3}},
        "half": {"left": {"product": left}, "right": {"product": right}},
    }
    return claim_line(name, backend, steps, **changed)


def read_lines(folder: Path, claims: list[dict[str, Any]], *lines: dict[str, Any]) -> ReadClaims:
    """Claims that are described by hand, as read from ``folder`` with ``lines`` in its claims.jsonl."""
    (folder / "claims.jsonl").write_bytes(lines_of(lines))
    return read_claims(folder, claims)


def write_claims(folder: Path, lines: bytes, described: Any) -> Path:
    """A whole run in ``folder``, with ``lines`` as its claims.jsonl; ``described`` is a key of run.json."""
    folder.mkdir(exist_ok=True)
    (folder / "cells.jsonl").write_bytes(b"\n".join(clean_lines()) + b"\n")
    settings = clean_settings() | {"claims": described, "ceilings": CEILINGS}
    (folder / "run.json").write_bytes(written(settings))
    (folder / "claims.jsonl").write_bytes(lines)
    return folder


def lines_of(lines: Iterable[dict[str, Any]]) -> bytes:
    """The content of a claims.jsonl."""
    return b"".join(written(one) + b"\n" for one in lines)


# Two backends with the claim of the stride, one of them with a module, and one that refused.
CLEAN: Final = [
    *(claim_line("stride", name, STRIDE) for name in ("a", "b")),
    module("3a", 2.0),
    claim_line(
        "stride", "c", {}, status="unsupported", reason="has <b>no</b> stride", process=[], smallest_call_s=None
    ),
]
DESCRIBED: Final = [get(name).described for name in ("stride", "inception-3a")]
