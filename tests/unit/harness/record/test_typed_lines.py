"""Objects from files, held against the annotations of the dataclass that they are to become."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import pytest

from pointwise_bench.suites.harness.design.rounds import Share
from pointwise_bench.suites.harness.record.cell import Cell
from pointwise_bench.suites.harness.record.pass_samples import PassSamples
from pointwise_bench.suites.harness.record.typed_lines import fits, misfit


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


# --- which key is at fault ----------------------------------------------------------------------------------------


@dataclass
class Holder:
    """Objects in a list, as a checkpoint has them."""

    parts: list[Form]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"whole": "x"}, "whole cannot be read"),
        ({"series": 5}, "series cannot be read"),
        ({"series": [1.0, None]}, "series[1] cannot be read"),
        ({"pairs": [[1, 2.5], [1]]}, "pairs[1] cannot be read"),
        ({"table": {"x": [1], "y": [1, "z"]}}, "table.y[1] cannot be read"),
        ({"inner": {"rounds": 1, "calls": "x", "most": 3}}, "inner.calls cannot be read"),
        ({"inner": {"rounds": 1, "calls": 2}}, "inner.most is missing"),
        ({"inner": 5}, "inner cannot be read"),
        ({"optional": "x"}, "optional cannot be read"),
        ({"un\nknown": 1}, "un known is no key that is known"),
    ],
)
def test_the_way_to_what_does_not_fit_is_told(change: dict[str, Any], said: str) -> None:
    assert misfit(GOOD | change, Form) == said
    assert misfit({"parts": [GOOD, GOOD | change]}, Holder) == f"parts[1].{said}"


def test_what_is_missing_or_no_object_is_told() -> None:
    assert (
        misfit({key: value for key, value in GOOD.items() if key not in ("whole", "yes")}, Form) == "whole is missing"
    )
    assert misfit([], Form) == "is no object"
    assert misfit({"parts": [[]]}, Holder) == "parts[0] cannot be read"


@pytest.mark.parametrize("more", [True, False])
def test_there_is_a_fault_where_it_does_not_fit_and_no_other(more: bool) -> None:
    assert misfit(GOOD, Form, more=more) is None
    assert (misfit(GOOD | {"unknown": 1}, Form, more=more) is None) is more
    for key, values in BAD.items():
        for value in values:
            fault = misfit(GOOD | {key: value}, Form, more=more)
            assert (fault is None) is fits(GOOD | {key: value}, Form, more=more)
            assert fault is None or fault.startswith(key)
