"""Cases are made once for all who ask for them, while there is room, and their memory is freed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pointwise_bench import Problem
from pointwise_bench.suites.harness.run.untimed.kept_cases import KeptCases

SMALL = Problem(batch=1, in_channels=4, out_channels=2, height=2, width=2)
LARGE = Problem(batch=1, in_channels=64, out_channels=64, height=32, width=32)


def test_the_same_problem_is_answered_once_and_another_seed_anew() -> None:
    kept = KeptCases()
    with kept.of(SMALL, 0) as first, kept.of(SMALL, 7) as drawn:
        assert not np.array_equal(first.cases.first.inputs[0], drawn.cases.first.inputs[0])
        drawn.descriptor()
    assert drawn._descriptor is None
    with kept.of(SMALL, 0) as again, kept.of(SMALL, 7) as drawn_again:
        assert again is first
        assert drawn_again is not drawn
    kept.close()


def test_what_has_no_room_is_let_go_of_and_what_was_kept_before_stays() -> None:
    kept = KeptCases(most_bytes=2**20)
    for _ in range(2):
        with kept.of(SMALL, 0) as small, kept.of(LARGE, 0) as large:
            descriptor = small.descriptor()
            large.descriptor()
        assert small._descriptor == descriptor
        assert large._descriptor is None
    kept.close()
    assert small._descriptor is None


def test_memory_is_counted_to_the_byte_and_with_what_workers_share() -> None:
    """Room for two of a kind takes two and no third: all arrays count twice, as they lie in the shared block, too."""
    one = KeptCases(most_bytes=2**40)
    with one.of(SMALL, 0):
        size = 2**40 - one._left
    assert size > 2 * sum(each.nbytes for each in CASES_OF_SMALL)
    two = KeptCases(most_bytes=2 * size)
    for problem in (SMALL, replace(SMALL, layout="nhwc")):
        with two.of(problem, 0):
            pass
    assert len(two._kept) == 2
    with two.of(Problem(batch=1, in_channels=1, out_channels=1, height=1, width=1), 0):
        pass
    assert len(two._kept) == 2
    for each in (one, two):
        each.close()


CASES_OF_SMALL = [np.empty(SMALL.input_shape, np.float32)] * 7 + [np.empty(SMALL.output_shape)] * 7
