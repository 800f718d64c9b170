"""How a backend's part in a run can end other than well."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from suites.harness.gate import WrongAnswer

Status = Literal["ok", "wrong", "crashed", "timed-out", "out-of-memory", "failed", "unsupported", "unavailable"]

SKIPPED: Final = ("unsupported", "unavailable")
"""Statuses that say nothing against a backend: it was never asked to compute."""


class Ended(Exception):
    """A backend's part ended with ``status``, for ``reason``. ``alive`` tells whether its process still serves."""

    def __init__(self, status: Status, reason: str, error_ratio: float | None = None, *, alive: bool = True) -> None:
        super().__init__(f"{status}: {reason}")
        self.status: Status = status
        self.reason = reason
        self.error_ratio = error_ratio
        self.alive = alive

    @classmethod
    def because_of(cls, error: BaseException, during: str) -> Ended:
        """What an exception of a backend, or of the gate, means for its cell."""
        if isinstance(error, WrongAnswer):
            return cls("wrong", str(error), error.error_ratio)
        if isinstance(error, MemoryError):
            return cls("out-of-memory", f"{during}: MemoryError: {error or 'no message'}")
        return cls("failed", f"{during}: {_describe(error)}")


def _describe(error: BaseException) -> str:
    """Type, message, and the line of the backend's own file that the exception passed last."""
    place, trace = "", error.__traceback__
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        if path.parent.name != "harness" and "site-packages" not in path.parts:
            place = f" ({path.name}:{trace.tb_lineno})"
        trace = trace.tb_next
    message = " ".join(str(error).split()) or "no message"
    return f"{type(error).__name__}: {message}{place}"
