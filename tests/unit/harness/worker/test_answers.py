"""Answers of a worker as words of a stranger: whatever is sent becomes its type within bounds, or is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, fields
from random import Random
from typing import Any

import pytest

from pointwise_bench.suites.claims import Claim, get
from pointwise_bench.suites.harness.claims.timed_claim import ClaimSamples
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.timing import timed_layer
from pointwise_bench.suites.harness.timing.clock import Turn
from pointwise_bench.suites.harness.timing.timed_sequence import SequenceSamples
from pointwise_bench.suites.harness.worker import answers
from pointwise_bench.suites.harness.worker.answers import Unreadable
from pointwise_bench.suites.harness.worker.channel import ChannelGarbled, _parse

TURN: dict[str, Any] = {
    "seconds_per_call": 1e-3,
    "cpu_over_wall": 0.99,
    "wall_s": 0.004,
    "device_seconds_per_call": None,
    "page_faults": 0,
    "untimed_s": 0.0,
    "taken_line": None,
    "salt": 0,
    "apart_s": 0.0,
}
HUGE = 10**400  # no float holds it


def forms() -> list[type]:
    """Every dataclass of numbers that a worker answers with."""
    return [Turn, *(each for each in vars(timed_layer).values() if _is_form(each))]


def _is_form(value: object) -> bool:
    if not (isinstance(value, type) and value.__module__ == timed_layer.__name__):
        return False
    return not value.__name__.startswith("_") and hasattr(value, "__dataclass_fields__")


@pytest.fixture
def claim() -> Claim:
    return get("stride")


def written(claim: Claim) -> dict[str, Any]:
    """What an honest worker has measured of it."""
    names = [variant.name for variant in claim.variants]
    return ClaimSamples(
        calls=dict.fromkeys(names, 3),
        samples_s={name: [1e-3, 1.1e-3] for name in names},
        branches_s={name: {} for name in names},
        steps_s={variant.name: {one: {"product": 1e-3} for one in variant.branches} for variant in claim.variants},
        smallest_call_s=[1e-6, 1e-6],
        error_ratio=0.5,
        cpu_over_wall=1.0,
    ).written()


# --- what is right ------------------------------------------------------------------------------------------------


def test_a_turn_comes_as_it_was_measured() -> None:
    assert answers.numbers(Turn, TURN) == Turn(**TURN)


@pytest.mark.parametrize("form", forms(), ids=lambda form: form.__name__)
def test_every_form_has_numbers_of_known_kinds_only(form: type) -> None:
    """A field of another kind would be read as if it were a float."""
    kinds = {str(each.type) for each in fields(form)}
    assert kinds <= {"bool", "int", "float", "int | None", "float | None"}
    ones = {each.name: True if str(each.type) == "bool" else 1 for each in fields(form)}
    assert asdict(answers.numbers(form, ones)) == ones


def test_sentences_are_one_short_line_or_none() -> None:
    assert answers.reason(None) is None
    assert answers.reason("too\nsmall") == "too small"
    assert len(answers.reason("x" * 10**6) or "") == 400


def test_libraries_are_flat_facts() -> None:
    found = [{"internal_api": "openblas", "version": "0.3", "num_threads": 2, "architecture": None}]
    assert answers.libraries(found) == found


def test_samples_of_a_claim_come_as_they_were_measured(claim: Claim) -> None:
    assert answers.claim_samples(written(claim), claim) == ClaimSamples(**written(claim))
    refused = ClaimSamples(refusal="too large")
    assert answers.claim_samples(refused.written() | {"calls": 5}, claim) == refused


def test_passes_come_as_they_were_measured_and_a_refusal_comes_alone() -> None:
    found = SequenceSamples("", [1e-3, 1.1e-3], [1.5e-3, 1.6e-3])
    assert answers.sequence_samples(found.written()) == found
    assert answers.sequence_samples(found.written() | {"refusal": "too\nlarge"}) == SequenceSamples("too large")


# --- what is not --------------------------------------------------------------------------------------------------

NUMBERS: list[Any] = [HUGE, -1, -1e-9, math.nan, math.inf, -math.inf, "1", True, [1.0], {}, 1e300]


@pytest.mark.parametrize("name", TURN)
@pytest.mark.parametrize("value", NUMBERS, ids=lambda value: str(value)[:12])
def test_no_number_of_a_turn_can_be_anything_else(name: str, value: Any) -> None:
    with pytest.raises(Unreadable) as caught:
        answers.numbers(Turn, TURN | {name: value})
    assert len(str(caught.value)) <= 200


@pytest.mark.parametrize("value", [0, -1.0, 1e-10, 1e7, "1", [1e-3], {}, float("nan"), True])
def test_a_devices_clock_tells_the_time_of_a_call_or_that_there_is_none(value: Any) -> None:
    assert answers.device_time(None) is None
    assert answers.device_time(1e-3) == 1e-3
    with pytest.raises(Unreadable):
        answers.device_time(value)


@pytest.mark.parametrize("name", ["seconds_per_call", "wall_s", "device_seconds_per_call"])
@pytest.mark.parametrize("value", [0, 0.0, 1e-10, 1e7])
def test_a_call_takes_no_time_that_no_call_takes(name: str, value: float) -> None:
    with pytest.raises(Unreadable):
        answers.numbers(Turn, TURN | {name: value})


@pytest.mark.parametrize("value", [None, 5, [], "", {}, TURN | {"more": 1}, {**TURN, "page_faults": 1.5}, [TURN]])
def test_a_turn_has_its_fields_and_no_others(value: Any) -> None:
    with pytest.raises(Unreadable):
        answers.numbers(Turn, value)


@pytest.mark.parametrize("value", [5, True, [], {"a": 1}, b"x", math.nan])
def test_what_is_no_sentence_is_none(value: Any) -> None:
    with pytest.raises(Unreadable):
        answers.reason(value)


@pytest.mark.parametrize("name", ["alone_s", "sequence_s"])
@pytest.mark.parametrize(
    "value",
    [None, 5, "x", {}, [], [1e-3], [1e-3] * 3, [1e-3] * 10_001, *([1e-3, one] for one in (*NUMBERS, 0.0, 1e-10))],
    ids=lambda value: str(value)[:20],
)
def test_no_passes_are_of_another_form(name: str, value: Any) -> None:
    good = SequenceSamples("", [1e-3, 1.1e-3], [1.5e-3, 1.6e-3]).written()
    with pytest.raises(Unreadable) as caught:
        answers.sequence_samples(good | {name: value})
    assert len(str(caught.value)) <= 200


@pytest.mark.parametrize("value", [None, 5, [], {}, {"refusal": "x"}, {"refusal": 5, "alone_s": [], "sequence_s": []}])
def test_passes_have_their_fields_and_no_others(value: Any) -> None:
    with pytest.raises(Unreadable):
        answers.sequence_samples(value)


def deep(levels: int) -> Any:
    """A list in a list in a list."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        [5],
        [{"version": deep(900)}],
        [{"version": deep(2)}],
        [{"num_threads": HUGE}],
        [{"num_threads": 1.5}],
        [{}] * 101,
        [dict.fromkeys(map(str, range(101)))],
    ],
    ids=lambda value: str(type(value)),
)
def test_no_library_is_endless_or_deep(value: Any) -> None:
    with pytest.raises(Unreadable):
        answers.libraries(value)


@pytest.mark.parametrize(
    "change",
    [
        {"samples_s": {}},
        {"samples_s": 5},
        {"samples_s": {"x": [1.0]}},
        {"cpu_over_wall": HUGE},
        {"cpu_over_wall": "1"},
        {"error_ratio": -1},
        {"error_ratio": math.nan},
        {"refusal": None},
        {"calls": {}},
        {"steps_s": {}},
        {"branches_s": []},
        {"smallest_call_s": [0.0]},
        {"smallest_call_s": None},
    ],
    ids=str,
)
def test_no_samples_of_a_claim_are_of_another_form(claim: Claim, change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        answers.claim_samples(written(claim) | change, claim)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("calls", 0),
        ("calls", 1.5),
        ("samples_s", []),
        ("samples_s", [1e-3]),  # a round less than the others
        ("samples_s", [1e-3, math.inf]),
        ("samples_s", [1e-3] * 10_001),
        ("steps_s", {}),
        ("steps_s", {"whole": {"nonsense": 1e-3}}),
        ("steps_s", {"whole": {"product": -1.0}}),
        ("branches_s", {"nonsense": [1e-3, 1e-3]}),
        ("branches_s", {"whole": [1e-3]}),
    ],
)
def test_no_variant_of_a_claim_is_of_another_form(claim: Claim, part: str, value: Any) -> None:
    values = written(claim)
    values[part] = values[part] | {claim.variants[0].name: value}
    with pytest.raises(ValueError):
        answers.claim_samples(values, claim)


# --- at random ----------------------------------------------------------------------------------------------------

RANDOM = 5000
"""Answers at random, each to all seven readers. With fewer than some thousand the rarer pairs of a key and a value
(one of 30 values in one of 20 keys, three levels deep) come up by chance; these take some seconds."""

KEYS = ["value", "status", "reason", "error_ratio", *TURN, *ClaimSamples().written(), "prepare_s", "peak_rss_bytes"]
LEAVES: list[Any] = [
    *(None, True, False, 0, 1, -1, 1e-3, -0.0, 1e308, -1e308, math.inf, -math.inf, math.nan, HUGE, -HUGE, 2**53, 2**64),
    *("", "ok", "wrong", "failed", "nonsense", "x" * 1000, "\x1b[31m\n\0", "\ud800", "\N{RIGHT-TO-LEFT OVERRIDE}"),
]


def at_random(rng: Random, levels: int = 3) -> Any:
    kind = rng.random()
    if levels == 0 or kind < 0.4:
        return rng.choice(LEAVES)
    if kind < 0.45:
        return deep(rng.choice([5, 50, 900]))
    if kind < 0.65:
        return [at_random(rng, levels - 1) for _ in range(rng.randrange(4))]
    return {rng.choice(KEYS): at_random(rng, levels - 1) for _ in range(rng.randrange(6))}


def nearly_right(rng: Random, right: dict[str, Any]) -> Any:
    """A right answer with one value replaced: what is random all over is refused for its keys alone."""
    return right | {rng.choice([*right]): at_random(rng, 2)}


def test_nothing_at_random_is_anything_but_read_or_refused(claim: Claim) -> None:
    """Through the channel's own reading, as it comes from a worker. What is read can be written to the run's files."""
    rng = Random(11)
    ended = Ended("wrong", "a reason", 2.0).report()
    rights = [TURN, written(claim), ended, *({each.name: 1 for each in fields(form)} for form in forms())]
    counts = {"read": 0, "refused": 0}
    readers: tuple[Callable[[Any], Any], ...] = (
        *(lambda one, form=form: asdict(answers.numbers(form, one)) for form in forms()),
        answers.reason,
        answers.seconds,
        answers.libraries,
        lambda one: answers.claim_samples(one, claim).written(),
        lambda one: Ended.reported(one).report(),
    )
    for number in range(RANDOM):
        value = at_random(rng) if number % 4 == 0 else nearly_right(rng, rng.choice(rights))
        try:
            value = _parse(json.dumps({"value": value}).encode())["value"]
        except ChannelGarbled:
            continue
        for reader in readers:
            try:
                read = reader(value)
            except (ValueError, KeyError, TypeError):  # those that a client makes a typed end of
                counts["refused"] += 1
            else:
                json.dumps(read, allow_nan=False, indent=1)
                counts["read"] += 1
    assert counts["read"] > RANDOM / 20
    assert counts["refused"] > RANDOM


def test_a_number_that_is_not_bounded_would_be_found(claim: Claim, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: with a reader that believes every number, the test above fails."""
    monkeypatch.setattr(answers, "_float", lambda name, value: value)
    with pytest.raises((ValueError, TypeError, OverflowError)):
        test_nothing_at_random_is_anything_but_read_or_refused(claim)


@pytest.mark.parametrize("line", [None, 0, 64, 65 * 2**32 + 64])
def test_a_line_is_one_of_the_block(line: int | None) -> None:
    assert answers.line(line) == line
    told = answers.numbers(timed_layer.AnsweredAgain, {"renewed": True, "last_line": line, "odd": True})
    assert told == timed_layer.AnsweredAgain(True, line, True)


@pytest.mark.parametrize("line", [-1, 65 * 2**32 + 65, 3.0, True, "3", [], HUGE, math.nan])
def test_what_is_no_line_is_refused(line: object) -> None:
    with pytest.raises(Unreadable):
        answers.line(line)


@pytest.mark.parametrize("renewed", [None, 0, 1, "true", 1.0])
def test_yes_and_no_are_no_numbers(renewed: object) -> None:
    with pytest.raises(Unreadable):
        answers.numbers(timed_layer.AnsweredAgain, {"renewed": renewed, "last_line": None, "odd": False})
