"""How a cell can end, in eight words. Imports nothing, so that everybody can know them."""

from __future__ import annotations

from typing import Final, Literal, get_args

Status = Literal["ok", "wrong", "crashed", "timed-out", "out-of-memory", "failed", "unsupported", "unavailable"]

STATUSES: Final[tuple[Status, ...]] = get_args(Status)
"""All of them, the gravest first after ``ok``: a wrong answer is worse than none."""

OK: Final = "ok"
"""The only status with samples."""

NOT_OK: Final[tuple[Status, ...]] = tuple(each for each in STATUSES if each != OK)
"""Statuses without a valid time, the gravest first."""

SKIPPED: Final = ("unsupported", "unavailable")
"""Statuses that say nothing against a backend: it was never asked to compute."""

SURVIVED: Final = ("wrong", *SKIPPED)
"""Statuses after which a worker serves on. After any other its process is in a state that nobody knows."""
