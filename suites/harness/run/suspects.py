"""Who was wrong in one of many calls, on some problem: where such a backend is timed, more of its calls are looked at.

A layer that is wrong once in some hundreds of calls passes the few looks that a cell has in one of two, where a call
takes half a millisecond. So the cells are told together: found on one problem, a backend is searched on all of them, in
as many calls as find the rarest fault that is promised to be found. Looking so long everywhere would take as long as
all timed calls, and honest backends would pay for it. Likewise a clock that was wrong on one problem is held against
the harness's on all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Final

from pointwise_bench.suites.harness.record.cell import Cell, CellKey
from pointwise_bench.suites.harness.record.ended import Ended, Hurried
from pointwise_bench.suites.harness.run.trial import TrialResult
from pointwise_bench.suites.harness.timing.held_clock import WRONG_CLOCK
from pointwise_bench.suites.harness.verify.gate import was_right_before

STRAYS: Final = "a result of a small layer was far from the others"


class Suspects:
    """Backends under suspicion, and on which problems they have been looked at since."""

    def __init__(self, written: Iterable[Cell] = ()) -> None:
        """``written``: the cells of an earlier session."""
        self._seen: dict[str, str] = {}  # what was seen, by backend
        self._cleared: set[CellKey] = set()
        for cell in written:
            self._note_end(cell.backend, cell.problem, Ended(cell.status, cell.reason))

    def note_trial(self, key: tuple[str, int], searched: Collection[str], result: TrialResult) -> None:
        """What a trial of this problem and thread budget has shown, in which more was asked of those ``searched``."""
        for part, ended in result.ended:
            self._note_end(part.backend, key[0], ended)
        self._cleared |= {(part.backend, *key) for part in result.parts if part.backend in searched}

    def note_strays(self, backends: Iterable[str]) -> None:
        """Their workers saw one of many results for one input far from the others."""
        self._seen = dict.fromkeys(backends, STRAYS) | self._seen

    def names(self) -> frozenset[str]:
        """All of them."""
        return frozenset(self._seen)

    def end_of(self, key: CellKey, look_again: Callable[[], Ended | None]) -> Ended | None:
        """How a cell that was timed ends: not at all where its backend is above suspicion, or comes through once more.

        ``look_again``: a trial of the backend on the problem in which it is suspected.
        """
        if key[0] not in self._seen or key in self._cleared:
            return None
        ended = look_again()
        if isinstance(ended, Hurried):
            return Ended("failed", f"{self._seen[key[0]]}, and no time was left to see whether it is here")
        return ended

    def _note_end(self, backend: str, problem: str, ended: Ended) -> None:
        late = was_right_before(ended.reason) or ended.reason.startswith(WRONG_CLOCK)
        if ended.status == "wrong" and late:
            self._seen.setdefault(backend, f"it was wrong now and then on {problem}")
