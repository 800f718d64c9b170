"""Bad input, said in one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ReportError(Exception):
    """What the user gave cannot be used; the text names the value and the remedy, on one line.

    ``reason`` is what is wrong alone: on a page a place on this machine is no reader's business, and of a file beside a
    run the remedy is another.
    """

    def __init__(self, said: str, reason: str = "") -> None:
        super().__init__(said)
        self.reason = reason or said


def nearest(name: str, known: Iterable[str]) -> str:
    """The names of ``known`` most like ``name``, joined by commas; all of them where none is like it."""
    names = sorted(set(known))
    return ", ".join(difflib.get_close_matches(name, names, n=3, cutoff=0.4) or names) or "none"


def too_much(error: MemoryError | RecursionError) -> str:
    """What was given is more than this machine can hold, or nested deeper than Python goes; one sentence says so."""
    if isinstance(error, MemoryError):
        return "the memory does not suffice for what was given; name fewer or smaller runs"
    return "what was given is nested deeper than it can be read; name another run"
