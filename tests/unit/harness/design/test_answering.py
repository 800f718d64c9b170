"""How many workers answer beside each other."""

from __future__ import annotations

import pytest

from pointwise_bench.suites.harness.design.answering import answering_at_once


@pytest.mark.parametrize(
    ("cores", "threads", "at_once"),
    [
        (1, 1, 1),
        (2, 1, 2),
        (2, 2, 1),  # each keeps 1.6 of them busy
        (4, 2, 2),
        (4, 4, 1),  # 2.3
        (8, 8, 2),  # 2.9
        (16, 1, 16),
        (16, 16, 4),  # 3.4
        (1, 8, 1),  # a backend in the process itself
    ],
)
def test_as_many_as_keep_the_cores_busy(cores: int, threads: int, at_once: int) -> None:
    assert answering_at_once(cores, threads) == at_once
