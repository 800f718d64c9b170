"""How long this process has run already, so that a time budget counts from the command and not from an import."""

from __future__ import annotations

import time
from typing import Final

LONGEST_START_S: Final = 60.0
"""Seconds within which what imports this has begun. A system that tells more has another clock for its processes than
for itself: in containers they have differed by weeks, and a time budget was spent before it began."""


def process_age_s() -> float:
    """Seconds since this process was started; where nobody can say, those that it has computed so far."""
    try:
        import psutil

        age_s = time.time() - psutil.Process().create_time()
    except Exception:  # not installed, or a system that does not tell: every one has its own exceptions
        age_s = -1.0
    return age_s if 0 <= age_s <= LONGEST_START_S else min(time.process_time(), LONGEST_START_S)
