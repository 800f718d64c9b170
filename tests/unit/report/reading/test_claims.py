"""The claims of a run as read from its files: damaged entries are named, left out, and cost no other."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from corruptions import ANYTHING, flipped, places_in, written
from make_claims import CLEAN, DESCRIBED, STRIDE, claim_line, claims_of, lines_of, module

from pointwise_bench.report.reading.claims import read_claims


def test_a_result_is_read_with_its_claim(tmp_path: Path) -> None:
    read = claims_of(tmp_path, module("3a", 2.0), names=("stride", "inception-3a"))
    (result,) = read.results
    assert result.claim is read.claims[1]
    assert (result.backend, result.threads, result.status, result.output) == ("a", 1, "ok", "fresh")
    assert result.samples["direct"][:2] == pytest.approx(np.array([10e-3, 13e-3]))
    assert result.branches["direct"]["5x5"][:2] == pytest.approx(np.array([5e-3, 6.5e-3]))
    assert result.steps_s["reduced"]["5x5"] == {"product": 2.5e-3}
    assert (result.smallest_call_s, result.error_ratio) == (1e-6, 0.5)
    assert read.defects == ()


def test_a_claim_is_read_with_its_variants(tmp_path: Path) -> None:
    (claim,) = claims_of(tmp_path).claims
    assert (claim.name, claim.by) == ("stride", "macs")
    assert claim.baseline is claim.variants[0]
    assert [variant.name for variant in claim.variants] == list(STRIDE)
    before, after = (variant.products() for variant in claim.variants)
    assert before[0].macs == 4 * after[0].macs
    assert claim.variants[0].steps("whole") == claim.variants[0].steps()


def test_the_later_line_of_one_claim_backend_and_thread_budget_counts(tmp_path: Path) -> None:
    twice = [claim_line("stride", "a", STRIDE, error_ratio=ratio) for ratio in (0.5, 0.25)]
    read = claims_of(tmp_path, *twice, claim_line("stride", "a", STRIDE, threads=2), claim_line("stride", "b", STRIDE))
    found = [(one.backend, one.threads, one.error_ratio) for one in read.results]
    assert found == [("a", 1, 0.25), ("a", 2, 0.5), ("b", 1, 0.5)]
    assert read.backends == ["a", "b"]


@pytest.mark.parametrize(
    ("changed", "timed", "comparable"),
    [
        ({}, True, True),
        ({"isolation": "in-process"}, True, False),
        ({"status": "crashed", "samples_s": {}, "process": [], "branches_s": {}}, False, False),
    ],
)
def test_what_was_timed_and_what_may_be_compared(
    tmp_path: Path, changed: dict[str, Any], timed: bool, comparable: bool
) -> None:
    (result,) = claims_of(tmp_path, claim_line("stride", "a", STRIDE) | changed).results
    assert (result.timed, result.comparable) == (timed, comparable)


def test_what_was_not_measured_is_nan(tmp_path: Path) -> None:
    (result,) = claims_of(tmp_path, claim_line("stride", "a", STRIDE, smallest_call_s=None, error_ratio=None)).results
    assert math.isnan(result.smallest_call_s)
    assert math.isnan(result.error_ratio)


def test_a_run_that_asked_nothing_has_nothing(tmp_path: Path) -> None:
    read = read_claims(tmp_path, None)
    assert (read.claims, read.results, read.defects, read.backends) == ((), (), (), [])


def test_claims_that_are_no_list_are_all_left_out(tmp_path: Path) -> None:
    (tmp_path / "claims.jsonl").write_bytes(lines_of(CLEAN[:1]))
    read = read_claims(tmp_path, {"stride": 5})
    assert read.claims == ()
    assert read.defects == (
        "run.json: claims is {'stride': 5}, not a list; all claims are left out",
        "claims.jsonl, line 1: claim is none that run.json describes",
    )


def test_a_damaged_claim_is_left_out_with_its_results_and_the_others_stay(tmp_path: Path) -> None:
    (tmp_path / "claims.jsonl").write_bytes(lines_of(CLEAN))
    read = read_claims(tmp_path, [DESCRIBED[0] | {"by": "watts"}, DESCRIBED[1]])
    assert [claim.name for claim in read.claims] == ["inception-3a"]
    assert [result.claim.name for result in read.results] == ["inception-3a"]
    assert read.defects[0] == ("run.json: claims[0].by is 'watts', not one of macs, bytes; this claim is left out")
    assert [one.partition(":")[0] for one in read.defects[1:]] == [f"claims.jsonl, line {n}" for n in (1, 2, 4)]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("claim", "unknown"), ("claim", None), ("claim", 5), ("backend", ""), ("backend", "a\nb"), ("threads", 0),
        ("status", "fine"), ("status", "wrong"), ("process", [0]), ("process", "x"), ("process", [-1] * 15),
        ("samples_s", {}), ("samples_s", {"x": [1.0] * 15}), ("samples_s", 5), ("steps_s", {}),
        ("samples_s", {name: [0.0] * 15 for name in STRIDE}), ("error_ratio", 2.0), ("isolation", "alone"),
        ("steps_s", {name: {"other": {"product": 1.0}} for name in STRIDE}),
        ("steps_s", {name: {"whole": {"magic": 1.0}} for name in STRIDE}),
        ("branches_s", {"stride 2": {"whole": [1.0] * 15}}), ("smallest_call_s", -1),
    ],
)  # fmt: skip
def test_a_line_that_says_nonsense_is_named_and_left_out(tmp_path: Path, key: str, value: Any) -> None:
    damaged = claim_line("stride", "a", STRIDE) | {key: value}
    (tmp_path / "claims.jsonl").write_bytes(written(damaged) + b"\n" + written(CLEAN[1]) + b"\n")
    read = read_claims(tmp_path, DESCRIBED)
    assert [result.backend for result in read.results] == ["b"]
    (said,) = read.defects
    assert said.startswith("claims.jsonl, line 1: ")
    assert key.partition("_")[0] in said


def test_any_damage_is_named_or_harmless(tmp_path: Path) -> None:
    """150 damages, each at a place drawn from the three hundred or so that the files have; in one of five, bits too.

    A line is read as it stands or named, so no line is lost in silence, and a line that is whole is never named.
    """
    for number in range(150):
        draw = random.Random(number)
        lines, described = json.loads(json.dumps(CLEAN)), json.loads(json.dumps(DESCRIBED))
        holder, key = draw.choice(list(places_in(lines if number % 3 else described)))
        holder[key] = draw.choice(ANYTHING)
        content = lines_of(lines)
        if number % 5 == 0:
            content = flipped(draw, content)[: draw.randrange(len(content))]
        (tmp_path / "claims.jsonl").write_bytes(content)
        read = read_claims(tmp_path, json.loads(json.dumps(described, default=str)))
        assert all(one.isprintable() for one in read.defects), number
        named = [int(one.split("line ")[1].split(":")[0]) for one in read.defects if one.startswith("claims.jsonl")]
        filled = [place for place, line in enumerate(content.split(b"\n"), 1) if line.strip()]
        assert set(named) <= set(filled), number
        kept = {(one.claim.name, one.backend, one.threads) for one in read.results}
        assert len(kept) <= len(filled) - len(named), number
        if number % 3:  # the claims are whole: so is every result of a whole line
            whole = lines_of(CLEAN).split(b"\n")
            names = [("stride", "a"), ("stride", "b"), ("inception-3a", "a"), ("stride", "c")]
            for line, name in zip(whole, names, strict=False):
                if line in content.split(b"\n"):
                    assert (*name, 1) in kept, number
