"""Untimed requests to several workers at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pointwise_bench.suites.harness.record.ended import Ended

T = TypeVar("T")


def side_by_side(ask: Callable[[T], object], asked: Iterable[T], at_once: int) -> list[tuple[T, Ended | None]]:
    """Call ``ask`` for each of ``asked``, in at most ``at_once`` threads.

    Returns each, in the order given, with the ``Ended`` that was raised for it, or None.

    Every worker has a channel of its own, so no two threads share one. No process may be *started* in ``ask``: the
    kernel ends a worker with the thread that has started it (``PR_SET_PDEATHSIG``), and these threads end soon.

    When the user interrupts, the threads are not waited for: the workers that they wait for are killed by whoever
    handles the interruption, and that ends the threads.
    """
    each = list(asked)
    if at_once <= 1 or len(each) <= 1:
        return [(one, end_of(ask, one)) for one in each]
    executor = ThreadPoolExecutor(min(len(each), at_once), thread_name_prefix="untimed")
    try:
        return list(zip(each, executor.map(lambda one: end_of(ask, one), each), strict=True))
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def end_of(ask: Callable[[T], object], one: T) -> Ended | None:
    """The ``Ended`` that ``ask(one)`` raises; None where it raises nothing.

    What goes wrong on the harness's own side, such as memory that there is not, is an end of this one part too, and
    not that of the run: the others have their results.
    """
    try:
        ask(one)
    except Ended as ended:
        return ended
    except Exception as error:
        return Ended.because_of(error, "the harness itself")
    return None
