"""Jobs shared among the cores of this process, by forks: those inherit what a job needs, and only results are sent."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, Final, NamedTuple, NoReturn, TypeVar

from pointwise_bench.common.cores import available_cores

Result = TypeVar("Result")

_MOST_TICKETS: Final = 1024
"""Of two bytes each: a pipe holds a page at least, and so all of them before anybody reads."""
_TICKET: Final = 2

_helping: Final[list[bool]] = []
"""Not empty in whoever does shared jobs: jobs within those are done one by one, as all cores have work."""


class _Helper(NamedTuple):
    """A fork, and the pipe that its results come through."""

    process: int
    results: int


def at_once(jobs: Sequence[Callable[[], Result]], *, worth_it: bool = True) -> list[Result]:
    """What each of ``jobs`` returns, in their order; several run at the same time where that is ``worth_it``.

    A job may write files of its own, and must be such that it can be done twice: what a helper could not do is done
    again here, so that an error is raised where it can be caught, the first by the jobs' order whoever met it, and a
    helper that the system has killed costs nothing but time.

    A pool of ``concurrent.futures`` would send each job, and with it most of a run, to a process that has it already.
    """
    helpers = min(available_cores(), len(jobs)) - 1 if worth_it and _may_fork() else 0
    if helpers < 1:
        return [job() for job in jobs]
    tickets = _tickets(len(jobs))
    started: list[_Helper] = []
    try:
        started += (_start(jobs, tickets) for _ in range(helpers))
        _helping.append(True)
        found = _done(jobs, tickets)
        for helper in started:
            found |= _results_of(helper)
    finally:
        _helping.clear()
        os.close(tickets)
        for helper in started:
            _end(helper)
    return [found[number] if number in found else job() for number, job in enumerate(jobs)]


def at_once_by_list(lists: Sequence[Sequence[Callable[[], Any]]], *, worth_it: bool = True) -> list[list[Any]]:
    """The same for the jobs of several lists, whose results come list by list: one start of helpers for all of them.

    What a helper makes ready once, such as fonts and templates, it would make again for every list.
    """
    done = iter(at_once([job for jobs in lists for job in jobs], worth_it=worth_it))
    return [list(islice(done, len(jobs))) for jobs in lists]


def _may_fork() -> bool:
    """Not beside threads, whose locks a fork would inherit as they are, nor on systems whose libraries forbid it."""
    return sys.platform == "linux" and not _helping and threading.active_count() == 1


def _tickets(jobs: int) -> int:
    """A pipe that holds a number for each part of the jobs: whoever is done with one part takes the next."""
    reading, writing = os.pipe()
    count = min(jobs, _MOST_TICKETS)
    os.write(writing, b"".join(number.to_bytes(_TICKET, "big") for number in range(count)))
    os.close(writing)
    return reading


def _numbers(jobs: int, tickets: int) -> Iterator[int]:
    while ticket := os.read(tickets, _TICKET):
        yield from range(int.from_bytes(ticket, "big"), jobs, _MOST_TICKETS)


def _done(jobs: Sequence[Callable[[], Any]], tickets: int) -> dict[int, Any]:
    """By number the results of the jobs that fell to this process, without those that ended in an error."""
    found = {}
    for number in _numbers(len(jobs), tickets):
        with suppress(Exception):
            found[number] = jobs[number]()
    return found


def _start(jobs: Sequence[Callable[[], Any]], tickets: int) -> _Helper:
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Python warns of threads that it did not start: those of linear algebra, which survive a fork.
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    if not process:
        os.close(reading)
        _help(jobs, tickets, writing)
    os.close(writing)
    return _Helper(process, reading)


def _help(jobs: Sequence[Callable[[], Any]], tickets: int, writing: int) -> NoReturn:
    """The life of a fork. It leaves without the parent's last words: buffers and folders are the parent's to clear."""
    code = 1
    _helping.append(True)
    try:
        with os.fdopen(writing, "wb") as file:
            pickle.dump(_done(jobs, tickets), file, protocol=pickle.HIGHEST_PROTOCOL)
        code = 0
    finally:
        os._exit(code)


def _results_of(helper: _Helper) -> dict[int, Any]:
    """Nothing of a helper that has not come to its end."""
    with os.fdopen(os.dup(helper.results), "rb") as file, suppress(EOFError, pickle.UnpicklingError):
        found: dict[int, Any] = pickle.load(file)  # our own fork's  # noqa: S301
        return found
    return {}


def _end(helper: _Helper) -> None:
    """At once, should it still run: the error that ended the parent is not to wait for it."""
    os.close(helper.results)
    with suppress(ProcessLookupError):
        os.kill(helper.process, signal.SIGKILL)
    os.waitpid(helper.process, 0)
