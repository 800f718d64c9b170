"""Objects from files, held against the annotations of the dataclass that they are to become."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import pytest

from pointwise_bench.suites.harness.design.rounds import Share
from pointwise_bench.suites.harness.record.cell import Cell
from pointwise_bench.suites.harness.record.pass_samples import PassSamples
from pointwise_bench.suites.harness.record.typed_lines import fits


@dataclass
class Form:
    """One field of each kind that a record has."""

    text: str
    whole: int
    number: float
    yes: bool
    word: Literal["a", "b"]
    optional: float | None = None
    series: list[float] = field(default_factory=list)
    pairs: list[tuple[int, float]] = field(default_factory=list)
    table: dict[str, list[int]] = field(default_factory=dict)
    inner: Share | None = None
    anything: Any = None


GOOD: dict[str, Any] = {"text": "", "whole": 0, "number": 1.5, "yes": True, "word": "a"}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"number": 3},
        {"optional": None},
        {"optional": 1e-9},
        {"series": [1, 2.5]},
        {"pairs": [[1, 2.5]]},
        {"table": {"x": [1]}},
        {"inner": {"rounds": 1, "calls": 2, "most": 3}},
        {"anything": [{}]},
    ],
    ids=str,
)
def test_what_fits(change: dict[str, Any]) -> None:
    assert fits(json.loads(json.dumps(GOOD | change)), Form)


BAD: dict[str, list[Any]] = {
    "text": [5, None, ["x"]],
    "whole": [1.0, True, -1, 2**54, None, "1"],
    "number": [float("nan"), float("inf"), 10**400, True, "1"],
    "yes": [1, None],
    "word": ["c", ["a"], None],
    "optional": ["", float("nan")],
    "series": [5, [None], [[1.0]], {"a": 1.0}],
    "pairs": [[[1]], [[1, 2, 3]], [5], [["a", 1.0]]],
    "table": [[], {"x": 5}, {"x": [1.5]}],
    "inner": [{}, {"rounds": 1, "calls": 2}, {"rounds": 1, "calls": 2, "most": 3, "x": 1}],
    "unknown": [1],
}


@pytest.mark.parametrize("change", [{key: one} for key, values in BAD.items() for one in values], ids=str)
def test_what_does_not_fit(change: dict[str, Any]) -> None:
    assert not fits(GOOD | change, Form)


@pytest.mark.parametrize("key", GOOD)
def test_a_key_without_a_default_must_be_there(key: str) -> None:
    assert not fits({name: value for name, value in GOOD.items() if name != key}, Form)


@pytest.mark.parametrize("value", [None, 5, [], "x", [GOOD]])
def test_what_is_no_object_fits_nothing(value: Any) -> None:
    assert not fits(value, Form)


def test_keys_of_a_newer_version_may_be_left_out() -> None:
    assert fits(GOOD | {"unknown": 1}, Form, more=True)
    assert not fits(GOOD | {"unknown": 1, "whole": "x"}, Form, more=True)


def test_what_the_harness_writes_fits() -> None:
    part = PassSamples("mine", 0, "now", Share(3, 2, 5), [1e-3], canary_s=[1e-4], error_ratio=0.5, peak_rss_bytes=5)
    assert fits(json.loads(json.dumps(asdict(part))), PassSamples)
    cell = Cell("mine", "n1c8h4w4-o8", 1, "group", "name", 1, "cpu", "fresh", "worker", "now", "wrong", "why")
    assert fits(json.loads(json.dumps(asdict(cell))), Cell)
