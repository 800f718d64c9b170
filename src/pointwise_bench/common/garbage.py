"""Python's search for circular garbage, made seldom for work that makes millions of objects and keeps them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_SELDOM: Final = (100_000, 20, 100)
"""Objects made until the youngest are searched, and searches until older ones are. By its own thresholds (700, 10, 10)
Python went through all cells of a report again and again, a quarter of the report's processor time, and found little.
Never to search at all was no quicker than this, and leaves every finished plot in memory, which is a circle."""


@contextmanager
def seldom_searched() -> Iterator[None]:
    """For the time of a ``with`` block, and in forks that are made within it."""
    before = gc.get_threshold()
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
