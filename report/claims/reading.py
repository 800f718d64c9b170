"""Reading the claims of a run from run.json and claims.jsonl; what cannot be used is named and left out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointwise_bench.common.formats import CLAIMS_FILE
from pointwise_bench.report.claims.claim_format import read_claim, read_finding
from pointwise_bench.report.claims.claims import ReadClaim, ReadFinding
from pointwise_bench.report.claims.gains import Gain, gains
from pointwise_bench.report.reading.json_lines import json_of, lines_of
from pointwise_bench.report.reading.value_readers import Defect, shown


@dataclass(frozen=True)
class Claims:
    """Everything of one run: definitions, findings, gains, and a sentence on each line that could not be used."""

    claims: tuple[ReadClaim, ...]
    findings: tuple[ReadFinding, ...]
    gains: tuple[Gain, ...]
    defects: tuple[str, ...]

    @property
    def backends(self) -> list[str]:
        """Every backend that was asked for a claim, by name."""
        return sorted({finding.backend for finding in self.findings})


def load_claims(folder: Path, described: Any) -> Claims:
    """The claims of the run in ``folder``; ``described`` is the key ``claims`` of its run.json."""
    claims, defects = _described(described)
    findings, left_out = _findings(folder / CLAIMS_FILE, claims)
    return Claims(
        tuple(claims.values()), findings, tuple(gains(list(claims.values()), findings)), (*defects, *left_out)
    )


def _described(values: Any) -> tuple[dict[str, ReadClaim], list[str]]:
    if values is None:
        return {}, []
    if not isinstance(values, list):
        return {}, [f"run.json: claims is {shown(values)}, not a list; all claims are left out"]
    found: dict[str, ReadClaim] = {}
    defects = []
    for place, value in enumerate(values):
        try:
            claim = ReadClaim.of(read_claim(value))
        except Defect as defect:
            defects.append(f"run.json: {defect.under(f'claims[{place}]')}; this claim is left out")
            continue
        found[claim.name] = claim
    return found, defects


def _findings(path: Path, claims: Mapping[str, ReadClaim]) -> tuple[tuple[ReadFinding, ...], list[str]]:
    """The findings, and a sentence for each line that holds none."""
    branches = {
        name: {variant.name: set(variant.branches) for variant in claim.variants} for name, claim in claims.items()
    }
    found: dict[tuple[str, str, int], ReadFinding] = {}
    defects = []
    for number, line in lines_of(path):
        values: Any = None
        try:
            values = json_of(line)
            finding = _finding(read_finding(values, branches), claims)
        except Defect as defect:
            defects.append(f"claims.jsonl, line {number}: {defect}")
            continue
        found[finding.claim.name, finding.backend, finding.threads] = finding
    return tuple(found.values()), defects


def _finding(line: Mapping[str, Any], claims: Mapping[str, ReadClaim]) -> ReadFinding:
    def arrays(series: Mapping[str, Sequence[float]]) -> dict[str, NDArray[np.float64]]:
        return {name: np.asarray(values, dtype=np.float64) for name, values in series.items()}

    return ReadFinding(
        claim=claims[line["claim"]],
        backend=line["backend"],
        threads=line["threads"],
        status=line["status"],
        reason=line["reason"],
        device=line["device"],
        output=line["output"],
        isolation=line["isolation"],
        process=np.asarray(line["process"], dtype=np.int64),
        samples=arrays(line["samples_s"]),
        branches={variant: arrays(each) for variant, each in line["branches_s"].items()},
        steps_s=line["steps_s"],
        smallest_call_s=math.nan if line["smallest_call_s"] is None else line["smallest_call_s"],
        error_ratio=math.nan if line["error_ratio"] is None else line["error_ratio"],
    )
