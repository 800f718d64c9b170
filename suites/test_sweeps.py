"""Timed: the basics, and sweeps that vary one axis at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from suites.harness.publish import CLOCK, publish

if TYPE_CHECKING:
    from suites.catalogue import Group, Layer
    from suites.harness.campaign import Campaign


@pytest.mark.shapes("basics", "sweep")
@pytest.mark.benchmark(timer=CLOCK)
def test_point(campaign: Campaign, group: Group, layer: Layer, threads: int, backend_name: str, benchmark: Any) -> None:
    publish(lambda: campaign.cell(layer.problem, threads, backend_name), benchmark)
