"""Bad input, said in one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ReportError(Exception):
    """What the user gave cannot be used; the text names the value and the remedy, on one line."""


def nearest(name: str, known: Iterable[str]) -> str:
    """The names of ``known`` most like ``name``, joined by commas; all of them where none is like it."""
    names = sorted(set(known))
    return ", ".join(difflib.get_close_matches(name, names, n=3, cutoff=0.4) or names) or "none"
