"""No longer turn without a doubt: scripted clients answer at once by this machine's clock, whatever time they tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from pointwise_bench.suites.harness.timing import held_clock


@contextmanager
def no_glances() -> Iterator[None]:
    """Their turns are short by the clock that is real, and each backend's would be followed by a longer one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(held_clock, "RULE", replace(held_clock.RULE, glance_s=0.0))
        yield
