"""How the measuring of a backend on a problem can end without a result: a status, and a reason for people."""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from math import inf, isfinite
from pathlib import Path
from typing import Any, Final

from pointwise_bench.common.status import NOT_OK, SURVIVED, Status
from pointwise_bench.suites.harness.record.text import one_line

HARNESS: Final = Path(__file__).parents[1]
LARGEST_RATIO: Final = 1e300
NOT_TRIED: Final = "not tried: "
"""How the reason of a problem begins on which a backend was not tried, after what it did on others."""

NOTHING_LEFT: Final = frozenset(
    {errno.EAGAIN, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EROFS}
)
"""What the machine lacks, as a process, a descriptor or room on the disk, and no fault of this program's."""

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
        # That of a result with a NaN is infinite, and no number in a file of JSON.
        self.error_ratio = error_ratio if error_ratio is not None and isfinite(error_ratio) else None
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
        """The end that ``message`` tells of, which a plugin may have forged.

        ``KeyError``, ``TypeError`` or ``ValueError`` for what is no such message.
        """
        status, reason, error_ratio = message["status"], message["reason"], message["error_ratio"]
        if not isinstance(status, str) or status not in NOT_OK:
            raise ValueError("a status that does not exist")
        if not isinstance(reason, str):
            raise TypeError(f"a reason that is a {type(reason).__name__}")
        return cls(status, one_line(reason), _ratio(error_ratio), alive=status in SURVIVED)


def _ratio(value: object) -> float | None:
    """A measured error over its bound; infinite where the result held a NaN."""
    if value is None:
        return None
    # Compared before it is converted: a whole number may be too large for a float. NaN is not at least 0.
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ValueError("an error ratio that is no number of at least 0")
    return float(value) if value <= LARGEST_RATIO else inf


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
