"""What wisdom is worth on problems that it has not seen: its own, held back one by one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pointwise_bench.wisdom.entries import Wisdom, WisdomEntry
from pointwise_bench.wisdom.nearest import expected, neighbours, ordered
from pointwise_bench.wisdom.simplicity import DEFAULTS


@dataclass(frozen=True)
class Regret:
    """How much longer the planned backend takes than the fastest: over ``shapes``, as ratios less one."""

    shapes: int
    mean: float
    """Of the geometric mean."""
    worst: float
    worst_problem: str
    fastest: int
    """On how many shapes the fastest of all was planned."""

    @property
    def said(self) -> str:
        """One phrase."""
        if not self.shapes:
            return "cannot be told: no two shapes of one thread budget were measured"
        return (
            f"{self.mean:.1%} on the geometric mean, {self.worst:.0%} at worst ({self.worst_problem}), "
            f"over {self.shapes} shapes; the very fastest on {self.fastest}"
        )


def held_back(wisdom: Wisdom) -> Regret:
    """Of what the neighbours suggest, each problem of ``wisdom`` held back in turn."""
    return _regret([(entry, _suggested(entry, wisdom.of(entry.threads))) for entry in wisdom.entries])


def of_default(wisdom: Wisdom) -> Regret:
    """Of the rule that holds where nothing was measured."""
    return _regret([(entry, list(DEFAULTS)) for entry in wisdom.entries])


def of_unseen(wisdom: Wisdom | None, measured: Wisdom) -> Regret:
    """Of the plans by ``wisdom`` on problems that it has not seen, by what was ``measured`` of them."""
    return _regret(_planned(wisdom, measured))


def chosen_without_time(wisdom: Wisdom | None, measured: Wisdom) -> Counter[str]:
    """Backends that ``of_unseen`` would choose on so many problems and passes over, since they have no time there.

    Who refuses a problem is passed over by a plan as well. Who was left out of a run is not: the regret says nothing of
    the plan then.
    """
    return Counter(order[0] for entry, order in _planned(wisdom, measured) if order[0] not in entry.behind())


def _planned(wisdom: Wisdom | None, measured: Wisdom) -> list[tuple[WisdomEntry, list[str]]]:
    """Each measured problem that ``wisdom`` has not seen, with the order in which backends are tried for it."""
    seen = {(entry.problem, entry.threads) for entry in wisdom.entries} if wisdom else set()
    new = [entry for entry in measured.entries if (entry.problem, entry.threads) not in seen]
    known = {entry.threads: wisdom.of(entry.threads) if wisdom else [] for entry in new}
    return [(entry, [*_suggested(entry, known[entry.threads]), *DEFAULTS]) for entry in new]


def _suggested(entry: WisdomEntry, entries: Sequence[WisdomEntry]) -> list[str]:
    others = [other for other in entries if other.problem != entry.problem]
    near = neighbours(entry.problem, others)
    return ordered(expected(entry.problem, near)) if near else []


def _regret(planned: Sequence[tuple[WisdomEntry, Sequence[str]]]) -> Regret:
    """Whoever has no time on a problem has refused it, and the next is taken, as a plan does."""
    found: list[tuple[float, str]] = []
    for entry, order in planned:
        behind = entry.behind()
        taken = next((backend for backend in order if backend in behind), None)
        if taken is not None:
            found.append((behind[taken], entry.problem.id))
    if not found:
        return Regret(0, math.nan, math.nan, "", 0)
    worst, where = max(found)
    mean = math.fsum(log for log, _ in found) / len(found)
    return Regret(len(found), math.expm1(mean), math.expm1(worst), where, sum(log == 0 for log, _ in found))
