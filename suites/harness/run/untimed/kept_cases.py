"""Cases that are made once and asked of many backends, as long as they need little memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any, Final

import numpy as np

from pointwise_bench import Problem
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.worker.client_protocol import SharedCases

KEPT_BYTES: Final = 2**27
"""Of all that are kept, the memory that is shared with workers included. The lists of the correctness suite need more
than half of it, and several processes of pytest-xdist keep their own."""


class KeptCases:
    """Cases by problem: who asks twenty backends the same makes the inputs and the answers to them once."""

    def __init__(self, most_bytes: int = KEPT_BYTES) -> None:
        self._left = most_bytes
        self._kept: dict[Problem, SharedCases] = {}

    @contextmanager
    def of(self, problem: Problem, seed: int) -> Iterator[SharedCases]:
        """The cases of ``problem`` for the time inside, and those of seed 0 for the next who asks while there is room.

        What was kept first stays: backends are asked the same problems in the same order, so that whatever was let go
        of for the newest would be just what the next backend begins with. Other seeds are drawn, and hardly come again.
        """
        if seed == 0 and problem in self._kept:
            yield self._kept[problem]
            return
        shared = SharedCases(problem, CaseSet.of(problem, seed))
        kept = seed == 0 and self._takes(2 * _bytes(shared.cases))
        if kept:
            self._kept[problem] = shared
        try:
            yield shared
        finally:
            if not kept:
                shared.close()

    def close(self) -> None:
        """Free the memory."""
        for shared in self._kept.values():
            shared.close()
        self._kept.clear()

    def _takes(self, size: int) -> bool:
        """Whether there is room for so many bytes more, which are then taken."""
        if size > self._left:
            return False
        self._left -= size
        return True


def _bytes(part: Any) -> int:
    """Of all arrays in a case, a set of cases, or a tuple."""
    if isinstance(part, np.ndarray):
        return part.nbytes
    if isinstance(part, tuple):
        return sum(map(_bytes, part))
    return sum(_bytes(getattr(part, field.name)) for field in fields(part)) if is_dataclass(part) else 0
