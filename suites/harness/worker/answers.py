"""What a worker answers, read as words of a stranger: each answer becomes its type, within bounds, or is refused.

A plugin runs where the answers come from, and can write there whatever it likes in their place: numbers that no float
holds, lists in lists in lists, times below zero. Nothing of an answer is used before it has passed here. What is
refused is no worker's own, so that its process is ended for it (:meth:`process.ChildProcess.garbled`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from reprlib import Repr
from typing import Any, Final, TypeVar

from pointwise_bench.common.formats import LONGEST_CALL_S
from pointwise_bench.suites.claims import Claim
from pointwise_bench.suites.harness.claims.timed_claim import ClaimSamples
from pointwise_bench.suites.harness.memory.input_windows import LINES, where
from pointwise_bench.suites.harness.record.text import one_line
from pointwise_bench.suites.harness.timing.timed_sequence import SequenceSamples

A = TypeVar("A")

SHORTEST_S: Final = 1e-9
"""Seconds. No call takes less, nor does the clock tell less."""
MOST: Final = 2**53
"""Of bytes and of counts: the last whole number up to which a float has them all."""
_OF_A_CALL: Final = (SHORTEST_S, LONGEST_CALL_S)
_BOUNDS: Final[dict[str, tuple[float, float]]] = {
    "seconds_per_call": _OF_A_CALL,
    "device_seconds_per_call": _OF_A_CALL,
    "wall_s": _OF_A_CALL,
    "cpu_over_wall": (0.0, 2.0**16),
    "error_ratio": (0.0, 1e300),
}
"""By the name of a number; all others are seconds, from 0 on."""
_USUAL: Final = (0.0, LONGEST_CALL_S)

MOST_LIBRARIES: Final = 100
FARTHEST: Final = where(LINES, 2**32)
LONGEST_WORD: Final = 200  # characters of a library's name or version
MOST_ROUNDS: Final = 10_000  # of a claim, in one start
KINDS_OF_STEPS: Final = frozenset({"patches", "crossing", "product", "relu", "subsample"})


class Unreadable(ValueError):
    """An answer that no worker's own code has written; the text shows it, on one short line."""

    def __init__(self, value: object) -> None:
        super().__init__(_shown(value))


def numbers(form: type[A], value: object) -> A:
    """An object of a dataclass of plain numbers, from the values of its fields by name."""
    types = {each.name: str(each.type) for each in fields(form)}  # type: ignore[arg-type]  # a dataclass, see above
    if not isinstance(value, dict) or value.keys() != types.keys():
        raise Unreadable(value)
    return form(**{name: _number(name, kind, value[name]) for name, kind in types.items()})


def seconds(value: object) -> float:
    """Seconds, or a number of them per second: finite and not below zero."""
    return _float("", value)


def device_time(value: object) -> float | None:
    """Seconds per call by a device's clock, or None where there is none."""
    return None if value is None else _float("device_seconds_per_call", value)


def line(value: object) -> int | None:
    """Where in a block the input of a call began (see :func:`input_windows.where`), or None where it was in none."""
    if value is not None and _whole(value) > FARTHEST:
        raise Unreadable(value)
    return None if value is None else _whole(value)


def reason(value: object) -> str | None:
    """A backend's sentence on one line of bounded length, or None."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise Unreadable(value)
    return one_line(value)


def libraries(value: object) -> list[dict[str, Any]]:
    """Facts about loaded libraries: flat objects of texts and whole numbers, some dozens at most."""
    if not isinstance(value, list) or len(value) > MOST_LIBRARIES:
        raise Unreadable(value)
    return [_facts(each) for each in value]


def claim_samples(value: object, claim: Claim) -> ClaimSamples:
    """What one start has measured of ``claim``, with series and steps for its variants and branches and no others."""
    try:
        samples = ClaimSamples.read(value, claim)
    except (TypeError, AttributeError) as error:
        raise Unreadable(value) from error
    samples.refusal = one_line(samples.refusal)
    samples.cpu_over_wall = _float("cpu_over_wall", samples.cpu_over_wall)
    samples.error_ratio = None if samples.error_ratio is None else _float("error_ratio", samples.error_ratio)
    if samples.refusal:
        return ClaimSamples(refusal=samples.refusal)
    branches = {variant.name: set(variant.branches) for variant in claim.variants}
    samples.samples_s = _mapping(samples.samples_s, branches.keys(), _series)
    (rounds, *others) = {len(series) for series in samples.samples_s.values()}
    if others:
        raise Unreadable(value)
    samples.calls = _mapping(samples.calls, branches.keys(), lambda calls: _whole(calls, least=1))
    samples.smallest_call_s = _series(samples.smallest_call_s, least=0)
    samples.steps_s = {name: _mapping(_of(samples.steps_s, name), branches[name], _steps) for name in branches}
    samples.branches_s = {
        name: _mapping(
            its := _of(samples.branches_s, name), branches[name] & set(its), lambda one: _series(one, rounds)
        )
        for name in branches
    }
    return samples


def sequence_samples(value: object) -> SequenceSamples:
    """What one start has measured of a network: a sentence, or as many passes as sums of the layers alone."""
    if not isinstance(value, dict) or value.keys() != SequenceSamples().written().keys():
        raise Unreadable(value)
    if not isinstance(value["refusal"], str):
        raise Unreadable(value)
    if value["refusal"]:
        return SequenceSamples(one_line(value["refusal"]))
    alone_s = _series(value["alone_s"])
    return SequenceSamples("", alone_s, _series(value["sequence_s"], len(alone_s)))


# --- one value ----------------------------------------------------------------------------------------------------


def _number(name: str, kind: str, value: object) -> float | int | None:
    if kind == "bool":
        if not isinstance(value, bool):
            raise Unreadable(value)
        return value
    if value is None and kind.endswith(" | None"):
        return None
    return _whole(value) if kind.removesuffix(" | None") == "int" else _float(name, value)


def _float(name: str, value: object) -> float:
    least, most = _BOUNDS.get(name, _USUAL)
    # Compared before it is converted: a whole number may be too large for a float. NaN lies between no bounds.
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise Unreadable(value)
    return float(value)


def _whole(value: object, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST:
        raise Unreadable(value)
    return value


def _facts(value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > MOST_LIBRARIES:
        raise Unreadable(value)
    return {one_line(key, LONGEST_WORD): _fact(one) for key, one in value.items()}


def _fact(value: object) -> str | int | None:
    if value is None:
        return None
    return one_line(value, LONGEST_WORD) if isinstance(value, str) else _whole(value)


def _series(value: object, exactly: int | None = None, least: int = 1) -> list[float]:
    """Times of a call, one per round."""
    if not isinstance(value, list) or not least <= len(value) <= MOST_ROUNDS:
        raise Unreadable(value)
    if exactly is not None and len(value) != exactly:
        raise Unreadable(value)
    return [_float("seconds_per_call", one) for one in value]


def _steps(value: object) -> dict[str, float]:
    if not isinstance(value, dict) or not value.keys() <= KINDS_OF_STEPS:
        raise Unreadable(value)
    return {kind: _float("", one) for kind, one in value.items()}


def _mapping(value: object, names: Any, read: Callable[[Any], Any]) -> dict[str, Any]:
    """An object with just these names."""
    if not isinstance(value, dict) or value.keys() != set(names):
        raise Unreadable(value)
    return {name: read(one) for name, one in value.items()}


def _of(value: object, name: str) -> dict[str, Any]:
    found = value.get(name) if isinstance(value, dict) else None
    if not isinstance(found, dict):
        raise Unreadable(value)
    return found


def _shown(value: object) -> str:
    """``value`` on one short line: the plain ``repr`` of a deep list ends in a RecursionError."""
    limits = Repr()
    limits.maxlevel, limits.maxlist, limits.maxdict = 2, 3, 6
    limits.maxstring = limits.maxlong = limits.maxother = 40
    return one_line(limits.repr(value), 200)
