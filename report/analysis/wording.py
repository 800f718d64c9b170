"""Numbers and verdicts as a reader wants them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

DASH = "–"  # noqa: RUF001  # an en dash is what a table shows for "nothing"


def three_digits(value: float) -> str:
    """Three significant digits, without an exponent below 1e15: ``1,234``, ``12.3``, ``0.0123``."""
    # Where no rounding can add a digit in front of the point: almost every number of a page, and a page has thousands.
    if 1 <= value < 9.99 or 10 <= value < 99.9 or 100 <= value < 999:
        return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"
    if not math.isfinite(value):
        return DASH if math.isnan(value) else "∞"
    if value == 0:
        return "0"
    # Rounded before its size is looked at: 9.996 has as many digits in front of the point as 10.0.
    rounded = f"{value:.2e}"
    magnitude = int(rounded[rounded.index("e") + 1 :])
    if magnitude >= 15:
        return rounded
    return f"{value:,.{min(max(0, 2 - magnitude), 6)}f}"


def _rounded(value: float) -> float:
    """To three significant digits."""
    return float(f"{value:.2e}")


def unit_for(seconds: Iterable[float]) -> tuple[str, float]:
    """Unit in which a whole column stays readable, and how many of it a second has; by the shortest time."""
    shortest = min((one for one in seconds if one > 0), default=1.0)
    return ("ms", 1e3) if shortest >= 1e-3 else ("µs", 1e6)


def duration(seconds: float) -> str:
    """One time with its own unit: ``12.3 ms``."""
    if 1.1e-6 <= seconds < 0.98e-3:  # as most are, and no rounding makes another unit of it
        return f"{three_digits(seconds * 1e6)} µs"
    if math.isnan(seconds):
        return DASH
    for unit, scale in (("s", 1.0), ("ms", 1e3)):
        # A page has seven times for each cell: rounding is asked only where it could decide.
        if seconds * scale >= 1 or (seconds * scale > 0.99 and _rounded(seconds * scale) >= 1):
            return f"{three_digits(seconds * scale)} {unit}"
    return f"{three_digits(seconds * 1e6)} µs"


def times(ratio: float, low: float = math.nan, high: float = math.nan) -> str:
    """A ratio with its interval, as in ``1.42 [1.39, 1.45]`` with a multiplication sign after the ratio."""
    if math.isnan(ratio):
        return DASH
    text = f"{_ratio(ratio)}×"  # noqa: RUF001  # the multiplication sign is meant
    return text if math.isnan(low) else f"{text} [{_ratio(low)}, {_ratio(high)}]"


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value >= 0.1 and _rounded(value) < 10 else three_digits(value)


def memory(size: float) -> str:
    """Bytes in MiB."""
    return DASH if math.isnan(size) else f"{three_digits(size / 2**20)} MiB"


def moment(text: str) -> str:
    """A recorded time to the minute: ``2026-01-02 03:04 UTC``. What is no such time stays as it is."""
    try:
        when = datetime.fromisoformat(text)
        # A day alone would be given an hour that nobody recorded.
        return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if when.tzinfo else text
    except (ValueError, OverflowError):
        return text


def threads_of(count: int) -> str:
    """``1 thread``, ``2 threads``."""
    return f"{count} thread" if count == 1 else f"{count} threads"


def shown_sign(sign: str, *, settled: bool) -> str:
    """Of a backend among others: who is the fastest by its time is only ahead while somebody else could be it."""
    return "ahead" if sign == "fastest" and not settled else sign


def above_roof(share: float) -> bool:
    """Whether a share of the roof is more than all of it, as it would be shown: then the roof was measured too low."""
    return round(100 * share) > 100 if math.isfinite(share) else False


def joined(names: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def first_of(names: Sequence[str], most: int) -> str:
    """The same of ``most`` of them, and how many more there are."""
    further = len(names) - most
    return joined(names if further <= 0 else [*names[:most], f"{further} more"])


def plainly(value: Any) -> str:
    """A value of a run's environment or policy, with those that are in it, on one line."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {plainly(one)}" for key, one in value.items())
    return ", ".join(plainly(one) for one in value) if isinstance(value, list) else str(value)
