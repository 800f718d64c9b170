"""What run.json must say of a claim, and what a line of claims.jsonl must hold: the sentence for each breach."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from corruptions import ANYTHING, Raw, places_in
from make_claims import PROCESS, STRIDE, claim_line, module

from pointwise_bench.report.reading.claim_format import CLAIM, RESULT, read_claim, read_result
from pointwise_bench.report.reading.value_readers import Defect, Reader
from pointwise_bench.suites.claims import get

WIDE, SMALL = ["product", "n1c64h28w28-o128"], ["product", "n1c8h4w4-o8"]
DESCRIBED: dict[str, Any] = {
    "name": "halved",
    "variants": [
        {"name": "whole", "branches": {"left": [WIDE], "right": [WIDE, ["relu", "n1c8h4w4-o8"]]}},
        {"name": "half", "branches": {"left": [SMALL], "right": [SMALL]}},
    ],
}
# What run.json describes, as names of variants and of their branches.
KNOWN = {
    "stride": {name: {"whole"} for name in STRIDE},
    "inception-3a": {name: {"3x3", "5x5", "1x1", "pool"} for name in ("direct", "reduced")},
}


def changed(at: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """``DESCRIBED`` with another value at the end of a path of keys."""
    made: dict[str, Any] = json.loads(json.dumps(DESCRIBED))
    holder: Any = made
    for key in at[:-1]:
        holder = holder[key]
    holder[at[-1]] = value
    return made


# --- claims of run.json -------------------------------------------------------------------------------------------


def test_a_claim_is_read_with_its_problems_and_what_it_leaves_out() -> None:
    claim = read_claim(DESCRIBED)
    assert claim.keys() == CLAIM.keys()
    assert (claim["number"], claim["says"], claim["total"], claim["by"]) == (0, "", "", "macs")
    kinds = [(kind, problem.id) for kind, problem in claim["variants"][0]["branches"]["right"]]
    assert kinds == [("product", "n1c64h28w28-o128"), ("relu", "n1c8h4w4-o8")]


def test_every_claim_of_the_catalogue_is_read() -> None:
    for name in KNOWN:
        assert read_claim(get(name).described)["name"] == name


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        (changed(("name",), ""), "name is ''"),
        (changed(("number",), 100), "number is 100, not a whole number from 0 to 99"),
        (changed(("by",), "watts"), "by is 'watts', not one of macs, bytes"),
        (changed(("variants",), {}), "variants is {}, not a list"),
        (changed(("variants",), DESCRIBED["variants"][:1]), "variants must be two or more of different names"),
        (changed(("variants", 1, "name"), "whole"), "variants must be two or more of different names"),
        (changed(("variants", 1, "branches"), {}), "variants have one without a branch"),
        (changed(("variants", 1, "branches", "left"), []), "variants have a branch without a product"),
        (
            changed(("variants", 0, "branches", "left"), [["relu", "n1c8h4w4-o8"]]),
            "variants have a branch without a product",
        ),
        (
            changed(("variants", 0, "branches", "left"), [["product", "n0c8h4w4-o8"]]),
            "variants have a product of nothing",
        ),
        (changed(("variants", 0, "branches", "left"), [["magic", "n1c8h4w4-o8"]]), "branches.left[0][0] is 'magic'"),
        (changed(("variants", 0, "branches", "left"), [["product"]]), "a pair of a step's kind and its problem"),
        ([], "is [], not an object"),
    ],
)
def test_each_breach_of_a_claim_has_its_sentence(claim: Any, said: str) -> None:
    with pytest.raises(Defect) as caught:
        read_claim(claim)
    assert said in str(caught.value)


# --- lines of claims.jsonl ----------------------------------------------------------------------------------------


def test_a_good_line_is_read_whole() -> None:
    line = module("3a", 2.0)
    read = read_result(line, KNOWN)
    assert read.keys() == RESULT.keys()
    assert (read["samples_s"], read["branches_s"], read["process"]) == (
        line["samples_s"],
        line["branches_s"],
        line["process"],
    )


def test_a_line_without_a_time_needs_its_status_alone() -> None:
    read = read_result({"claim": "stride", "backend": "a", "threads": 1, "status": "crashed"}, KNOWN)
    assert (read["samples_s"], read["process"], read["smallest_call_s"]) == ({}, (), None)


TIMES = {name: [1e-3] * len(PROCESS) for name in STRIDE}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("claim", "unknown", "claim is none that run.json describes"),
        ("claim", None, "claim is None, not a string"),
        ("threads", 0, "threads is 0, not a whole number from 1 to 65,536"),
        ("status", "fine", "status is 'fine', not one of ok, wrong, "),
        ("status", "wrong", "status is wrong, but samples_s has times"),
        ("samples_s", {}, "status is ok, but samples_s lacks times"),
        ("samples_s", TIMES | {"stride 2": []}, "status is ok, but samples_s lacks times"),
        ("error_ratio", 1.0001, "status is ok, but error_ratio is 1.0001: above 1 is wrong"),
        ("process", [0] * 14, "has 15 entries, but process has 14: each has one per round"),
        ("samples_s", TIMES | {"stride 2": [1e-3] * 14}, "samples_s.stride 2 has 14 entries, but process has 15"),
        ("samples_s", {"stride 2": TIMES["stride 2"]}, "samples_s has not the variants of its claim"),
        ("samples_s", TIMES | {"more": TIMES["stride 2"]}, "samples_s has not the variants of its claim"),
        ("steps_s", {}, "steps_s has not the variants of its claim"),
        (
            "steps_s",
            {name: {"other": {"product": 1.0}} for name in STRIDE},
            "steps_s.every pixel, then one in four has not the branches of its claim, or a step of no known kind",
        ),
        ("steps_s", {name: {"whole": {"magic": 1.0}} for name in STRIDE}, "or a step of no known kind"),
        ("branches_s", {"stride 2": {"whole": [1e-3] * 14}}, "branches_s.stride 2 has not one entry per round"),
        (
            "branches_s",
            {"stride 2": {"whole": [1e-3] * 15}},
            "branches_s has variants or branches that its claim has not",
        ),
        ("branches_s", {name: {"other": [1e-3] * 15} for name in STRIDE}, "that its claim has not"),
        ("smallest_call_s", -1, "smallest_call_s is -1, not a positive finite number of seconds"),
        ("isolation", "alone", "isolation is 'alone', not one of worker, in-process"),
    ],
)
def test_each_breach_of_a_line_has_its_sentence(key: str, value: Any, said: str) -> None:
    with pytest.raises(Defect) as caught:
        read_result(claim_line("stride", "a", STRIDE) | {key: value}, KNOWN)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "value", [one for one in ANYTHING if not isinstance(one, Raw)], ids=lambda one: ascii(one)[:20]
)
def test_any_value_anywhere_is_read_or_refused_in_words(value: Any) -> None:
    """Each value at every place of a line and of a claim, some hundred of them."""
    readers: tuple[tuple[dict[str, Any], Reader], ...] = (
        (module("3a", 2.0), partial(read_result, claims=KNOWN)),
        (DESCRIBED, read_claim),
    )
    for original, read in readers:
        damaged = json.loads(json.dumps(original))
        places = list(places_in(damaged))
        assert len(places) > 20
        for holder, key in places:
            good, holder[key] = holder[key], value
            said = ""
            try:
                read(damaged)
            except Defect as defect:
                said = str(defect)
            assert said.isprintable()
            holder[key] = good
        assert damaged == original
