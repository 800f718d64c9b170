"""Timed: every 1x1 layer of real networks, and of a user's own files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pointwise_bench.suites.harness.run.benchmark_table import CLOCK, publish

if TYPE_CHECKING:
    from pointwise_bench.suites.catalogue import CatalogueEntry, Group
    from pointwise_bench.suites.harness.run.session import Session


@pytest.mark.shapes("network", "user")
@pytest.mark.benchmark(timer=CLOCK)
def test_layer(
    bench_session: Session, group: Group, layer: CatalogueEntry, threads: int, backend_name: str, benchmark: Any
) -> None:
    publish(lambda: bench_session.cell(layer.problem, threads, backend_name), benchmark)
