"""Readers of JSON values: each takes one value of any kind and returns what it means, or says why it means nothing."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass
from functools import lru_cache
from math import inf, isfinite, prod
from reprlib import Repr
from typing import Any, Final, cast

from pointwise_bench.backends.problem import ITEM_BYTES, Problem
from pointwise_bench.common.formats import LONGEST_CALL_S, MOST_ROUNDS_OF_A_CELL

# Bounds of what can be meant. Between them no later sum, quotient or logarithm leaves the range of a float.
SHORTEST_S: Final = 1e-9
MOST: Final = 2**53  # the last whole number up to which a float has them all
_LARGEST_SIZE: Final = 2**40
_LARGEST_BYTES: Final = 2**60
_LONGEST_NAME: Final = 200
_LONGEST_TEXT: Final = 2000
_MOST_KNOWN: Final = 2**16
_DEEPEST: Final = 8
MOST_ENTRIES: Final = 100_000  # a run has as many cells at most, and fewer layers, claims or models
_DIRECTIONS: Final = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
_MARKS: Final = "\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}\N{ARABIC LETTER MARK}"


class Defect(Exception):
    """A value that is not what its key must hold; the text is a sentence that begins with the key."""

    def __init__(self, what: str, at: str = "") -> None:
        super().__init__(f"{at} {what}" if at else what)
        self.what, self.at = what, at

    def under(self, step: str) -> Defect:
        """The same defect, seen from the object that holds the value at ``step``."""
        return Defect(self.what, step + ("." if self.at and not self.at.startswith("[") else "") + self.at)


Reader = Callable[[Any], Any]
_REQUIRED: Final = object()


@dataclass(frozen=True)
class KeyRule:
    """How a key's value is read (:class:`Defect` where it cannot be) and what holds where it is absent or null."""

    read: Reader
    absent: Any = _REQUIRED


def shown(value: object) -> str:
    """``value`` on one short line of printable characters, whatever it is."""
    # Repr, since the plain repr() of a deep list ends in a RecursionError, and that of a long string on a long line.
    limits = Repr()
    limits.maxlevel, limits.maxlist, limits.maxdict = 2, 3, 3
    limits.maxstring = limits.maxlong = limits.maxother = 40
    return limits.repr(value)


def visible(text: str) -> str:
    """``text`` on one line, its control characters and lone surrogates as escapes, cut where it is endless."""
    kept = text[:_LONGEST_TEXT]
    escaped = kept if _harmless(kept) else "".join(_escape(one) if _hidden(one) else one for one in kept)
    line = " ".join(escaped.split())
    return line if len(kept) == len(text) else f"{line}... ({len(text):,} characters)"


def _harmless(text: str) -> bool:
    """Whether no character needs a look of its own: so it is with almost every text of a run."""
    return text.isascii() and text.isprintable()


def _hidden(character: str) -> bool:
    return _directed(character) or (_unprintable(character) and not character.isspace())


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _unprintable(character: str) -> bool:
    """Whether a file of UTF-8, CSV or XML could not hold it, or would break its line there."""
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or ord(character) & 0xFFFE == 0xFFFE


def _directed(character: str) -> bool:
    """Whether it turns the direction of what follows: a name could pose as another one, or hide in front of it."""
    return unicodedata.bidirectional(character) in _DIRECTIONS or character in _MARKS


# --- readers of one value ---------------------------------------------------------------------------------------


def _refused(value: object, wanted: str) -> Defect:
    return Defect(f"is {shown(value)}, not {wanted}")


def name(shortest: int = 1) -> Reader:
    """A string for a table's cell: printable, and short enough to be read."""
    known: set[str] = set()  # a file says the same names again and again

    def read(value: Any) -> str:
        if type(value) is str and value in known:
            return value
        if not isinstance(value, str):
            raise _refused(value, "a string")
        if not shortest <= len(value) <= _LONGEST_NAME:
            raise _refused(value, f"a name of {shortest} to {_LONGEST_NAME} characters (it has {len(value):,})")
        if _harmless(value):
            if len(known) < _MOST_KNOWN:
                known.add(value)
            return value
        if any(map(_unprintable, value)):
            raise _refused(value, "a name of printable characters")
        return "".join(_escape(one) if _directed(one) else one for one in value)

    return read


def text(value: Any) -> str:
    """A sentence: it may hold what an exception's message holds, so it is made visible and not refused."""
    if not isinstance(value, str):
        raise _refused(value, "a string")
    return visible(value)


def heading(value: Any) -> str:
    """A text that stands above others, and that nothing refers to: visible as a sentence is, and as short as a name."""
    line = text(value)
    return line if len(line) <= _LONGEST_NAME else f"{line[:_LONGEST_NAME]}..."


def one_of(allowed: tuple[str, ...]) -> Reader:
    """One of a few words."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise _refused(value, f"one of {', '.join(allowed)}")
        return value

    return read


def yes_or_no(value: Any) -> bool:
    """True or false; 1 and "yes" are neither."""
    if not isinstance(value, bool):
        raise _refused(value, "true or false")
    return value


def whole(least: int, most: int = MOST) -> Reader:
    """A whole number; true and 1.0 are none."""
    wanted = f"a whole number from {least:,} to {most:,}"

    def read(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise _refused(value, wanted)
        return value

    return read


def number(least: float, most: float, wanted: str) -> Reader:
    """A number between bounds, as a float; NaN lies between none."""

    def read(value: Any) -> float:
        if type(value) not in (float, int) or not least <= value <= most:
            raise _refused(value, wanted)
        return float(value)

    return read


def duration(value: Any) -> float:
    """A measured time in seconds."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < inf:
        raise _refused(value, "a positive finite number of seconds")
    if not SHORTEST_S <= value <= LONGEST_CALL_S:
        said = f"{value:.3g}" if value <= MOST else shown(value)  # a whole number can be too large for a float
        raise Defect(f"is {said} s, which is implausible: a call takes from {SHORTEST_S:g} to {LONGEST_CALL_S:g} s")
    return float(value)


def list_of(read_entry: Reader, most: int = MOST_ENTRIES) -> Reader:
    """A list, entry by entry; one of over ``most`` entries is refused before any of them is looked at."""

    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise _refused(value, "a list")
        if len(value) > most:
            raise _too_many(value, most)
        found = []
        for index, entry in enumerate(value):
            try:
                found.append(read_entry(entry))
            except Defect as defect:
                raise defect.under(f"[{index}]") from None
        return found

    return read


def _too_many(value: Sized, most: int) -> Defect:
    return Defect(f"has {len(value):,} entries, and no run has over {most:,} there")


def durations(value: Any) -> list[float]:
    """A list of measured times, like :func:`list_of` and :func:`duration`; whole ones are looked at at once."""
    # A sum is not finite where an entry is not; with a NaN among them the least and the largest could be anything.
    are_numbers = _is_series(value) and set(map(type, value)) == {float} and isfinite(sum(value))
    if are_numbers and min(value) >= SHORTEST_S and max(value) <= LONGEST_CALL_S:
        return cast("list[float]", value)
    return cast("list[float]", list_of(duration, MOST_ROUNDS_OF_A_CELL)(value))


def counts(value: Any) -> list[int]:
    """A list of whole numbers of at least 0, likewise."""
    if _is_series(value) and set(map(type, value)) == {int} and min(value) >= 0 and max(value) <= MOST:
        return cast("list[int]", value)
    return cast("list[int]", list_of(whole(0), MOST_ROUNDS_OF_A_CELL)(value))


def _is_series(value: Any) -> bool:
    """Whether it has an entry for each round of a cell, and no more of them than a cell can have."""
    return isinstance(value, list) and len(value) <= MOST_ROUNDS_OF_A_CELL


def distinct(read_list: Reader) -> Reader:
    """A list without an entry twice."""

    def read(value: Any) -> list[Any]:
        found: list[Any] = read_list(value)
        if len(set(found)) < len(found):
            # Counted, as a search through what stands before each entry would take the square of their number.
            twice = next(entry for entry, times in Counter(found).items() if times > 1)
            raise Defect(f"holds {shown(twice)} twice")
        return found

    return read


def pair(first: Reader, second: Reader, wanted: str) -> Reader:
    """A list of two values."""

    def read(value: Any) -> tuple[Any, Any]:
        if not isinstance(value, list) or len(value) != 2:
            raise _refused(value, wanted)
        return list_of(first)(value[:1])[0], second(value[1])

    return read


def mapping_of(read_value: Reader) -> Reader:
    """An object whose keys are names and whose values are of one kind."""

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _refused(value, "an object")
        if len(value) > MOST_ENTRIES:
            raise _too_many(value, MOST_ENTRIES)
        found = {}
        for key, entry in value.items():
            try:
                found[name()(key)] = read_value(entry)
            except Defect as defect:
                raise defect.under(visible(key[:_LONGEST_NAME])) from None
        return found

    return read


def or_null(read_value: Reader) -> Reader:
    """A value or null."""
    return lambda value: None if value is None else read_value(value)


def problem(value: Any) -> Problem:
    """A problem by its id, of a size that some machine could hold."""
    if not isinstance(value, str) or len(value) > _LONGEST_NAME:
        raise _refused(value, "the id of a problem")
    return _parsed(value)


@lru_cache(maxsize=2**16)
def _parsed(value: str) -> Problem:
    """Once for all backends of a problem."""
    try:
        found = Problem.parse(value)
    except ValueError as error:
        raise Defect(f"names no problem: {visible(str(error))}") from None
    sizes = (found.batch, found.in_channels, found.out_channels, found.height, found.width, found.stride, found.groups)
    if max(sizes) > _LARGEST_SIZE:
        raise Defect(f"is {shown(value)}, which is implausible: a size is over 2**40")
    # Python's whole numbers: nothing overflows, and nothing is allocated.
    elements = sum(map(prod, (found.input_shape, found.weight_shape, found.output_shape)))
    if elements * ITEM_BYTES[found.dtype] > _LARGEST_BYTES:
        raise Defect(f"is {shown(value)}, which is implausible: its arrays are over 2**60 bytes")
    return found


def plain(value: Any, levels: int = _DEEPEST) -> Any:
    """Anything that JSON can say, a few levels deep, with its strings made visible."""
    if isinstance(value, str):
        return visible(value)
    if not isinstance(value, dict | list):
        return value
    if not levels:
        raise Defect(f"is nested deeper than {_DEEPEST} levels")
    if isinstance(value, list):
        return [plain(one, levels - 1) for one in value]
    return {visible(key): plain(one, levels - 1) for key, one in value.items()}


def object_of(table: Mapping[str, KeyRule]) -> Reader:
    """An object with the keys of ``table``, as a dictionary with all of them."""
    # A line has a score of keys, and a report a hundred thousand lines: one loop without a call of our own in it.
    rules = [(key, rule.read, rule.absent) for key, rule in table.items()]

    def read(values: Any) -> dict[str, Any]:
        if not isinstance(values, dict):
            raise _refused(values, "an object")
        found = {}
        for key, read_value, absent in rules:
            value = values.get(key)
            if value is None and absent is not _REQUIRED:
                found[key] = absent
                continue
            if value is None and key not in values:
                raise Defect("is missing", key)
            try:
                found[key] = read_value(value)
            except Defect as defect:
                raise defect.under(key) from None
        return found

    return read
