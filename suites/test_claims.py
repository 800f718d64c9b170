"""Timed: what a 1x1 convolution buys, claim by claim, and the layers that are cited there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pointwise_bench.suites.harness.run.benchmark_table import CLOCK, publish, publish_claim

if TYPE_CHECKING:
    from pointwise_bench.suites.catalogue import CatalogueEntry, Group
    from pointwise_bench.suites.claims import Claim
    from pointwise_bench.suites.harness.run.session import Session


@pytest.mark.claims
@pytest.mark.benchmark(timer=CLOCK)
def test_claim(bench_session: Session, claim: Claim, threads: int, backend_name: str, benchmark: Any) -> None:
    publish_claim(lambda: bench_session.finding(claim, threads, backend_name), benchmark)


@pytest.mark.shapes("claims")
@pytest.mark.benchmark(timer=CLOCK)
def test_layer(
    bench_session: Session, group: Group, layer: CatalogueEntry, threads: int, backend_name: str, benchmark: Any
) -> None:
    publish(lambda: bench_session.cell(layer.problem, threads, backend_name), benchmark)
