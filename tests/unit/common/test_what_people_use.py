"""What a speed-up is counted against."""

from __future__ import annotations

from pointwise_bench.backends import registry
from pointwise_bench.common.what_people_use import WHAT_PEOPLE_USE


def test_there_are_such_backends_and_they_run_on_any_machine() -> None:
    assert set(WHAT_PEOPLE_USE) <= set(registry.names())
    assert {registry.get(name).device for name in WHAT_PEOPLE_USE} == {"cpu"}
