"""Which of a turn's results are looked at: drawn after each has been returned, so that nothing can tell it before.

What lies in the frames and objects of a worker is read by a plugin that wants to: how many calls a turn has, which is
the last one, the state of a generator of random numbers. So there is nothing to read: whether a result is looked at is
drawn once it is there, between two intervals of the clock, and what is taken is sealed at once. It is drawn by OpenSSL,
whose state no object of Python's shows and which a fork does not share. A call of the system for every draw had made
the calls between them 3 to 6 % slower, of 0.4 ms too.

After which of several short calls that is, the timed loop is told by an iterator when the call has returned. It is one
of NumPy's, which the collector of garbage does not list, and while the loop runs no name stands for it; who is told
what functions return, by :func:`sys.setprofile` or the like, gets intervals of one call. Rejected: the last digits of a
clock, which ticks every 10 ns on some machines, so that a call can choose when it returns; bytes of the system or of
OpenSSL for each call, 0.4 and 0.8 us; bytes that a decompressor gives back, 0.2 us.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from math import ceil, exp, lgamma, log, log1p, sqrt
from os import close
from ssl import RAND_bytes  # bound before any plugin is loaded, which can replace it in its module later
from sys import getprofile, gettrace  # as above
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.memory.committed_result import commit
from pointwise_bench.suites.harness.memory.input_windows import where
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.timing.process_statistics import page_faults
from pointwise_bench.suites.harness.verify.gate import KEPT_BACK
from pointwise_bench.suites.harness.verify.layer_calls import copies_of

# Bound before any plugin is loaded, which could change the policy's own fields later.
LOOKED_IN: Final = POLICY.gate.shown_in
CHANCE: Final = POLICY.gate.kept_back_chance
LEAST_SHOWN: Final = 1 - exp(-1 / LOOKED_IN)
"""Share of turns of which a result is taken, at least: in many intervals none is drawn more often than in one."""
_BYTES: Final = 4
LONGEST_MEAN: Final = 2**13
"""Of an interval, in calls."""
_FURTHEST: Final = 23 * LONGEST_MEAN
"""No interval is longer, by the smallest number that :func:`_uniform` draws."""
_ENDS: Final = np.frombuffer(bytes(_FURTHEST) + b"\1" + bytes(_FURTHEST), bool)  # of bytes: nobody can write to it
_ONE_CALL: Final = (False,)
_get_tool: Final[Any] = getattr(getattr(sys, "monitoring", None), "get_tool", None)  # from Python 3.12 on
_TOOLS: Final = range(6) if _get_tool else ()
_number: Final = int.from_bytes  # no builtin, which a plugin can replace: it would learn of the draw


class Taken(NamedTuple):
    """A result that was taken: the descriptor of its bytes, and where in the block its input began: see ``where``."""

    descriptor: int
    line: int | None


class Looks:
    """Takes a result of a turn now and then.

    ``read`` is given what of the result's memory has been copied before anything of the plugin's could be called (see
    :func:`as_it_lies`), and the result.
    """

    def __init__(self, read: Callable[[Any, Any], npt.NDArray[Any]]) -> None:
        self._read = read
        self._taken: Taken | None = None
        self.faults = 0
        """Pages first touched in taking results of this turn."""

    def begin(self) -> None:
        """A turn: nothing is taken of it yet."""
        if (taken := self.hand_over()) is not None:
            close(taken.descriptor)
        self.faults = 0

    def consider(self, result: Any, line: int | None, limit: bytes, renewals: int = 0) -> None:
        """Take ``result``, which has just been returned, or not.

        ``line``: where in the block its input began, of which parts had been renewed so often.
        """
        if RAND_bytes(_BYTES) >= limit:
            return
        lies = copies_of(result)
        before = page_faults()
        earlier = self._taken
        self._taken = Taken(commit(self._read(lies, result)), None if line is None else where(line, renewals))
        if earlier is not None:
            close(earlier.descriptor)
        self.faults += page_faults() - before

    def hand_over(self) -> Taken | None:
        """What was taken of the last turn, for the caller to close; None where nothing was."""
        taken, self._taken = self._taken, None
        return taken


class Awaited:
    """The harness's side: whether a backend's workers hand over as many results as would be drawn.

    One that keeps back what would be found wrong, or everything, hands over fewer. Counted over all of its turns in a
    run, as a problem has few.
    """

    def __init__(self) -> None:
        self.turns = 0
        self.handed_over = 0

    def note(self, *, handed_over: bool) -> None:
        """A turn. ``WrongAnswer`` where so few results as by now are beyond chance."""
        self.turns += 1
        self.handed_over += handed_over
        if self._is_beyond_chance():
            raise WrongAnswer(
                f"{KEPT_BACK}: of {self.turns} turns {self.handed_over} have shown one, where about "
                f"{self.turns * LEAST_SHOWN:.0f} would have"
            )

    def _is_beyond_chance(self) -> bool:
        expected = self.turns * LEAST_SHOWN
        if self.handed_over > expected - 4 * sqrt(expected):  # far from it
            return False
        kept = self.turns * log1p(-LEAST_SHOWN)
        odds = log(LEAST_SHOWN) - log1p(-LEAST_SHOWN)
        chances = [
            lgamma(self.turns + 1) - lgamma(k + 1) - lgamma(self.turns - k + 1) + kept + k * odds
            for k in range(self.handed_over + 1)
        ]
        return sum(map(exp, chances)) < CHANCE


def is_watched() -> bool:
    """Whether somebody is told what is called here and what it returns: a debugger, or a plugin that wants to know."""
    if getprofile() is not None or gettrace() is not None:
        return True
    for tool in _TOOLS:  # noqa: SIM110  # by no builtin
        if _get_tool(tool) is not None:
            return True
    return False


def end_of_interval(interval: int, most: int) -> Iterable[bool]:
    """For ``most`` calls of which each ends an interval of so many on the mean: whether the one before did.

    The first has none before it, so of the last it says nothing: see :func:`is_drawn`. An ``interval`` of one call has
    one at most; one of more has ``LONGEST_MEAN`` at most, and ``most`` no more than the longest one.
    """
    if most == 1:
        return _ONE_CALL
    # The number of the call that ends it, by inversion of the geometric distribution: a view in which that is true.
    return _ENDS[_FURTHEST - ceil(log(_uniform()) / log1p(-1 / interval)) :][:most].flat


def is_drawn(interval: int) -> bool:
    """Whether a call ends an interval of so many on the mean."""
    return interval == 1 or _uniform() * interval < 1


def _uniform() -> float:
    """Between nothing and one, without either."""
    return (_number(RAND_bytes(_BYTES), "big") + 0.5) / 256**_BYTES


def limit_of(results: int, calls: int) -> bytes:
    """What a draw stays below with the probability with which a result that stands for so many of a turn is taken."""
    share = min(1.0, results / (LOOKED_IN * calls))
    return min(round(share * 256**_BYTES), 256**_BYTES - 1).to_bytes(_BYTES, "big")
