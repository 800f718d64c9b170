"""Whether what was read from a file is what a dataclass is made from: every key of its annotated type, none missing.

A run is resumed from its own files, and a crash, a bad disk or another program can have put anything there.
"""

from __future__ import annotations

import types
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from pointwise_bench.suites.harness.record.text import one_line

MOST: Final = 2**53  # the last whole number up to which a float has them all
LARGEST: Final = 1e300  # of a float; no sum of a few of them is infinite
_LONGEST_KEY: Final = 60  # characters of a key that a damaged file has


def fits(value: object, form: type, *, more: bool = False) -> bool:
    """Whether the dataclass ``form`` can be made from the object ``value``; ``more``: other keys are left out then."""
    if not isinstance(value, dict):
        return False
    hints, required = _keys(form)
    known = all(_is(one, hints[key]) for key, one in value.items() if key in hints)
    return known and required <= value.keys() and (more or value.keys() <= hints.keys())


def misfit(value: object, form: type, *, more: bool = False) -> str | None:
    """Why ``form`` cannot be made from ``value``, beginning with the first key that is at fault; None where it can."""
    if fits(value, form, more=more):
        return None
    if not isinstance(value, dict):
        return "is no object"
    hints, required = _keys(form)
    for key, one in value.items():
        if key in hints and not _is(one, hints[key]):
            return f"{key}{_place(one, hints[key])}"
        if key not in hints and not more:
            return f"{one_line(str(key), _LONGEST_KEY)} is no key that is known"
    return f"{next(key for key in hints if key in required - value.keys())} is missing"


@cache
def _keys(form: type) -> tuple[dict[str, Any], set[str]]:
    """Types by key, and the keys that must be there."""
    required = {each.name for each in fields(form) if each.default is MISSING and each.default_factory is MISSING}
    return get_type_hints(form), required


def _place(value: object, hint: Any) -> str:
    """Which part of a value that is not of its type is at fault, and that it is: ``[3].calls cannot be read``."""
    arguments = get_args(hint)
    if get_origin(hint) is list and isinstance(value, list):
        number, one = next((number, one) for number, one in enumerate(value) if not _is(one, arguments[0]))
        return f"[{number}]{_place(one, arguments[0])}"
    if get_origin(hint) is dict and isinstance(value, dict):
        key, one = next((key, one) for key, one in value.items() if not _is(one, arguments[1]))
        return f".{one_line(str(key), _LONGEST_KEY)}{_place(one, arguments[1])}"
    form = next((one for one in (hint, *arguments) if is_dataclass(one)), None)  # it may be one of two, as with None
    if form is not None and isinstance(value, dict) and isinstance(form, type):
        return f".{misfit(value, form)}"
    return " cannot be read"


def _is(value: object, hint: Any) -> bool:
    """Whether ``value``, as JSON has it, is of the annotated type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_is(value, one) for one in arguments)
    if origin is Literal:
        return isinstance(value, str) and value in arguments
    if origin is list:
        return isinstance(value, list) and all(_is(one, arguments[0]) for one in value)
    if origin is tuple:  # a list in JSON
        return isinstance(value, list) and len(value) == len(arguments) and all(map(_is, value, arguments))
    if origin is dict:
        return isinstance(value, dict) and all(_is(one, arguments[1]) for one in value.values())
    return _is_plain(value, hint)


def _is_plain(value: object, hint: Any) -> bool:
    if is_dataclass(hint):
        return fits(value, hint)  # type: ignore[arg-type]  # an annotation is a class
    if hint is float:  # compared before anything is computed: a whole number may be too large for a float
        return isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST
    return hint is Any or (isinstance(hint, type) and isinstance(value, hint))
