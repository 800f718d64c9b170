"""Whether what was read from a file is what a dataclass is made from: every key of its annotated type, none missing.

A run is resumed from its own files, and a crash, a bad disk or another program can have put anything there.
"""

from __future__ import annotations

import types
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

MOST: Final = 2**53  # the last whole number up to which a float has them all
LARGEST: Final = 1e300  # of a float; no sum of a few of them is infinite


def fits(value: object, form: type, *, more: bool = False) -> bool:
    """Whether the dataclass ``form`` can be made from the object ``value``; ``more``: other keys are left out then."""
    if not isinstance(value, dict):
        return False
    hints, required = _keys(form)
    known = all(_is(one, hints[key]) for key, one in value.items() if key in hints)
    return known and required <= value.keys() and (more or value.keys() <= hints.keys())


@cache
def _keys(form: type) -> tuple[dict[str, Any], set[str]]:
    """Types by key, and the keys that must be there."""
    required = {each.name for each in fields(form) if each.default is MISSING and each.default_factory is MISSING}
    return get_type_hints(form), required


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
