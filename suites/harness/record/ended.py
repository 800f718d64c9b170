"""How the measuring of a backend on a problem can end without a result: a status, and a reason for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pointwise_bench.common.status import STATUSES, SURVIVED, Status
from pointwise_bench.suites.harness.record.text import one_line

HARNESS: Final = Path(__file__).parents[1]

_OUT_OF_MEMORY = re.compile(r"bad_alloc|MemoryError|out of memory|(cannot|can't|could not) allocate memory", re.I)


class WrongAnswer(Exception):
    """The backend's result is not the convolution; ``error_ratio`` where the error could be measured."""

    def __init__(self, reason: str, error_ratio: float | None = None) -> None:
        super().__init__(reason)
        self.error_ratio = error_ratio


class Ended(Exception):
    """A backend's part ended with ``status``, for ``reason``. ``alive``: whether its process can go on."""

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
            return cls("wrong", one_line(str(error)), error.error_ratio)
        description = f"{during}: {_describe(error)}"
        memory = isinstance(error, MemoryError) or says_out_of_memory(description)
        return cls("out-of-memory" if memory else "failed", description, alive=False)

    def report(self) -> dict[str, Any]:
        """The message that a process sends of it."""
        return {"status": self.status, "reason": self.reason, "error_ratio": self.error_ratio}

    @classmethod
    def reported(cls, message: Mapping[str, Any]) -> Ended:
        """The end that ``message`` tells of; ``KeyError``, ``TypeError`` or ``ValueError`` for another message."""
        status, reason, error_ratio = message["status"], message["reason"], message["error_ratio"]
        if status not in STATUSES:
            raise ValueError(f"a status {status!r}")
        ratio = None if error_ratio is None else float(error_ratio)
        return cls(status, one_line(reason), ratio, alive=status in SURVIVED)


class Hurried(Ended):
    """It was given less time than ``--timeout`` allows, as a time budget was running out."""

    def __init__(self, reason: str) -> None:
        super().__init__("timed-out", f"{reason}; more would not fit into the time budget", alive=False)


def says_out_of_memory(text: str) -> bool:
    """Whether ``text`` is the message of a library that got no memory. Not all of them raise ``MemoryError``."""
    return _OUT_OF_MEMORY.search(text) is not None


def _describe(error: BaseException) -> str:
    """Type, message, and the line of the backend's own file that the exception passed last."""
    place, trace = "", error.__traceback__
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        if not path.is_relative_to(HARNESS) and "site-packages" not in path.parts:
            place = f" ({path.name}:{trace.tb_lineno})"
        trace = trace.tb_next
    return f"{type(error).__name__}: {_message(error)}{place}"


def _message(error: BaseException) -> str:
    try:
        return one_line(str(error)) or "no message"
    except BaseException as another:  # an exception is a plugin's code too
        return f"no message, its __str__ raised {type(another).__name__}"
