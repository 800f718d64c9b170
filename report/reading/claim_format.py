"""What run.json must say of a claim, and what a line of claims.jsonl must hold: tables as those for cells."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any, Final

from pointwise_bench.common.formats import CLAIM_MEASURES, ISOLATIONS, PREDICTED_STEPS
from pointwise_bench.common.status import STATUSES
from pointwise_bench.report.reading.run_format import LARGEST_ERROR_RATIO, MOST_THREADS
from pointwise_bench.report.reading.value_readers import (
    Defect,
    KeyRule,
    counts,
    duration,
    durations,
    list_of,
    mapping_of,
    name,
    number,
    object_of,
    one_of,
    pair,
    problem,
    text,
    whole,
)

STEPS: Final = ("patches", "crossing", "product", "relu", "subsample")

_VARIANT: Final = {
    "name": KeyRule(name()),
    "branches": KeyRule(
        mapping_of(list_of(pair(one_of(PREDICTED_STEPS), problem, "a pair of a step's kind and its problem")))
    ),
}

CLAIM: Final = {
    "name": KeyRule(name()),
    "number": KeyRule(whole(0, 99), 0),
    "says": KeyRule(text, ""),
    "source": KeyRule(text, ""),
    "total": KeyRule(name(0), ""),
    "by": KeyRule(one_of(CLAIM_MEASURES), "macs"),
    "variants": KeyRule(list_of(object_of(_VARIANT))),
}

_per_variant = mapping_of(durations)

RESULT: Final = {
    "claim": KeyRule(name()),
    "backend": KeyRule(name()),
    "threads": KeyRule(whole(1, MOST_THREADS)),
    "status": KeyRule(one_of(STATUSES)),
    "reason": KeyRule(text, ""),
    "device": KeyRule(name(), "cpu"),
    "output": KeyRule(one_of(("fresh", "reused")), "fresh"),
    "isolation": KeyRule(one_of(ISOLATIONS), "worker"),
    "process": KeyRule(counts, ()),
    "samples_s": KeyRule(_per_variant, {}),
    "branches_s": KeyRule(mapping_of(_per_variant), {}),
    "steps_s": KeyRule(mapping_of(mapping_of(mapping_of(number(0, 1e6, "a number of seconds from 0 to 1e+06")))), {}),
    "smallest_call_s": KeyRule(duration, None),
    "error_ratio": KeyRule(number(0, inf, "a number of at least 0"), None),
}


def read_claim(value: Any) -> dict[str, Any]:
    """One claim of run.json; :class:`Defect` at the first breach."""
    claim: dict[str, Any] = object_of(CLAIM)(value)
    names = [each["name"] for each in claim["variants"]]
    if len(names) < 2 or len(set(names)) < len(names):
        raise Defect("variants must be two or more of different names")
    if not all(steps and any(kind == "product" for kind, _ in steps) for steps in _branches(claim)):
        raise Defect("variants have a branch without a product")
    if not all(each["branches"] for each in claim["variants"]):
        raise Defect("variants have one without a branch")
    if any(each.macs == 0 for steps in _branches(claim) for _, each in steps):
        raise Defect("variants have a product of nothing")
    return claim


def _branches(claim: Mapping[str, Any]) -> list[list[Any]]:
    return [steps for each in claim["variants"] for steps in each["branches"].values()]


def read_result(line: Any, claims: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of ``RESULT`` from one line; ``claims`` are the names of variants and branches by claim."""
    result: dict[str, Any] = object_of(RESULT)(line)
    if result["claim"] not in claims:
        raise Defect("claim is none that run.json describes")
    for breach in (_status_and_times, _series_of_one_length):
        if sentence := breach(result):
            raise Defect(sentence)
    if result["status"] == "ok" and (sentence := _names_agree(result, claims[result["claim"]])):
        raise Defect(sentence)
    return result


def _status_and_times(result: Mapping[str, Any]) -> str | None:
    if result["status"] != "ok":
        return f"status is {result['status']}, but samples_s has times" if result["samples_s"] else None
    if not result["samples_s"] or not all(result["samples_s"].values()):
        return "status is ok, but samples_s lacks times"
    if (result["error_ratio"] or 0) > LARGEST_ERROR_RATIO:
        return f"status is ok, but error_ratio is {result['error_ratio']:g}: above {LARGEST_ERROR_RATIO:g} is wrong"
    return None


def _series_of_one_length(result: Mapping[str, Any]) -> str | None:
    rounds = len(result["process"])
    for variant, samples in result["samples_s"].items():
        if len(samples) != rounds:
            return f"samples_s.{variant} has {len(samples)} entries, but process has {rounds}: each has one per round"
    for variant, branches in result["branches_s"].items():
        if any(len(samples) != rounds for samples in branches.values()):
            return f"branches_s.{variant} has not one entry per round"
    return None


def _names_agree(result: Mapping[str, Any], claim: Mapping[str, set[str]]) -> str | None:
    """Variants and branches are those of the claim."""
    for key in ("samples_s", "steps_s"):
        if result[key].keys() != claim.keys():
            return f"{key} has not the variants of its claim"
    for variant, branches in result["steps_s"].items():
        if branches.keys() != claim[variant] or any(kind not in STEPS for own in branches.values() for kind in own):
            return f"steps_s.{variant} has not the branches of its claim, or a step of no known kind"
    known = {variant: set(branches) for variant, branches in result["branches_s"].items()}
    if known and not (known.keys() == claim.keys() and all(known[name] <= claim[name] for name in claim)):
        return "branches_s has variants or branches that its claim has not"
    return None
