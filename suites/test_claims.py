"""Timed: what a 1x1 convolution buys, claim by claim, and the layers that are cited there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from suites.harness.publish import CLOCK, publish, publish_claim

if TYPE_CHECKING:
    from suites.catalogue import Group, Layer
    from suites.claims import Claim
    from suites.harness.campaign import Campaign


@pytest.mark.claims
@pytest.mark.benchmark(timer=CLOCK)
def test_claim(campaign: Campaign, claim: Claim, threads: int, backend_name: str, benchmark: Any) -> None:
    publish_claim(lambda: campaign.finding(claim, threads, backend_name), benchmark)


@pytest.mark.shapes("claims")
@pytest.mark.benchmark(timer=CLOCK)
def test_layer(campaign: Campaign, group: Group, layer: Layer, threads: int, backend_name: str, benchmark: Any) -> None:
    publish(lambda: campaign.cell(layer.problem, threads, backend_name), benchmark)
