"""What a comparison is to end with exit code 1 for: ``--fail-on nothing|broken|slower[:PERCENT]``."""

from __future__ import annotations

from argparse import ArgumentTypeError
from dataclasses import dataclass


@dataclass(frozen=True)
class FailOn:
    """``what`` is ``nothing``, ``broken`` or ``slower``; ``share``: slowness up to this is let pass, None for none."""

    what: str = "nothing"
    share: float | None = None

    @classmethod
    def parse(cls, text: str) -> FailOn:
        """As an option's value. ``ArgumentTypeError`` for anything else."""
        what, colon, percent = text.partition(":")
        if what not in ("nothing", "broken", "slower") or (colon and what != "slower"):
            raise ArgumentTypeError(f"{text!r} is not nothing, broken, slower or slower:PERCENT, such as slower:5")
        if not colon:
            return cls(what)
        try:
            share = float(percent) / 100
        except ValueError:
            share = -1.0
        if not 0 <= share < float("inf"):
            raise ArgumentTypeError(f"{text!r}: {percent!r} is no number of percent, such as slower:5")
        return cls(what, share)

    def __str__(self) -> str:
        return self.what if self.share is None else f"{self.what}:{100 * self.share:g}"
