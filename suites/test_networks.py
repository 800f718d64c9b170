"""Timed: every 1x1 layer of real networks, and of a user's own files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from suites.harness.publish import CLOCK, publish

if TYPE_CHECKING:
    from suites.catalogue import Group, Layer
    from suites.harness.campaign import Campaign


@pytest.mark.shapes("network", "user")
@pytest.mark.benchmark(timer=CLOCK)
def test_layer(campaign: Campaign, group: Group, layer: Layer, threads: int, backend_name: str, benchmark: Any) -> None:
    publish(lambda: campaign.cell(layer.problem, threads, backend_name), benchmark)
