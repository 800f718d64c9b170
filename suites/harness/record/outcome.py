"""Whether a run went well: what must be said, and makes its exit code 1, once it is over.

That a backend is refused, crashes or takes too long on a problem is a result, and what a run is for. What is said here
is that there is no time at all, or none of a backend that was asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from pointwise_bench.common.status import OK, SKIPPED, Status
from pointwise_bench.suites.harness.record.cell import Cell
from pointwise_bench.suites.harness.record.ended import NOT_TRIED

_PATTERN: Final = frozenset("*?[")


class Outcome(NamedTuple):
    """How one cell, or one claim of one backend, ended."""

    backend: str
    status: Status
    reason: str


class Asked(NamedTuple):
    """What the run was asked for: ``patterns`` of ``--backend``, names that ``--plugin`` brought, and time.

    ``unloadable``: of the plugins' names those that could not be loaded, each with the reason.
    """

    patterns: Sequence[str] = ()
    of_plugins: Collection[str] = ()
    unloadable: Mapping[str, str] = {}
    time_budget_s: float | None = None
    interrupted: bool = False
    """Whether somebody ended the run, whatever time it had left."""

    @property
    def by_name(self) -> set[str]:
        """Backends that were named in full, and not by a pattern that happens to match them."""
        return {pattern for pattern in self.patterns if not _PATTERN & set(pattern)} | set(self.of_plugins)


def endings(failed: Iterable[Cell], named: Collection[str]) -> Iterator[str]:
    """A line for each backend and status of failed cells, and for what those ``named`` do not take: where, and why.

    The reason is of a problem that was tried: that another was not for its sake tells less.
    """
    found: dict[tuple[str, str], list[Cell]] = {}
    for cell in failed:
        if cell.status not in SKIPPED or (cell.status == "unsupported" and cell.backend in named):
            found.setdefault((cell.backend, cell.status), []).append(cell)
    for (backend, status), cells in found.items():
        told = min(cells, key=lambda cell: cell.reason.startswith(NOT_TRIED))
        others = f", and on {len(cells) - 1} more" if len(cells) > 1 else ""
        yield f"{backend}: {status} on {told.problem}{others}: {told.reason}"


def shortfalls(outcomes: Sequence[Outcome], asked: Asked, *, unfinished: bool = False) -> Iterator[str]:
    """The sentences; none where the run went well."""
    by_backend: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_backend.setdefault(outcome.backend, []).append(outcome)
    if not any(outcome.status == OK for outcome in outcomes):
        yield _nothing(outcomes, asked, unfinished=unfinished)
    for backend, its in by_backend.items():
        if sentence := _shortfall(backend, its, named=backend in asked.by_name):
            yield sentence
    for backend in sorted(asked.unloadable.keys() - by_backend.keys()):
        yield f"{backend}, a plugin that was asked for, could not be loaded: {asked.unloadable[backend]}"


def _nothing(outcomes: Sequence[Outcome], asked: Asked, *, unfinished: bool) -> str:
    if not outcomes:
        seconds = asked.time_budget_s
        why = "" if seconds is None else f": the time budget of {seconds:g} s is spent"
        why = " to its end: the run was interrupted" if asked.interrupted else why
        return f"nothing was measured{why}" + ("; --resume goes on with it" if unfinished else "")
    first = outcomes[0]
    others = f", and {len(outcomes) - 1} more without a time" if len(outcomes) > 1 else ""
    return f"nothing was measured: {first.backend} is {first.status}: {first.reason}{others}"


def _shortfall(backend: str, outcomes: Sequence[Outcome], *, named: bool) -> str | None:
    """What is wrong with one backend as a whole, or with any of its results where it was asked for by name."""
    judged = [outcome for outcome in outcomes if outcome.status not in SKIPPED]
    wrong = [outcome for outcome in judged if outcome.status == "wrong"]
    if wrong and (named or len(wrong) == len(judged)):
        return f"{backend} is wrong on {len(wrong)} of {len(judged)}: {wrong[0].reason}"
    if named and judged and all(outcome.status != OK for outcome in judged):
        return f"{backend}, which was asked for by name, failed on all of {len(judged)}: {judged[0].reason}"
    absent = [outcome for outcome in outcomes if outcome.status == "unavailable"]
    if named and absent:
        return f"{backend}, which was asked for by name, could not run: {absent[0].reason}"
    return None
