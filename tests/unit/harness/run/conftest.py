"""Scripted clients answer at once by this machine's clock, whatever time they tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from pointwise_bench.suites.harness.timing import held_clock


@pytest.fixture(autouse=True, scope="module")
def no_longer_turn_without_a_doubt() -> Iterator[None]:
    """Their turns are short by the clock that is real, and would all be followed by a longer one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(held_clock, "RULE", replace(held_clock.RULE, glance_s=0.0))
        yield
