"""Timed: every 1x1 layer of real networks, and of a user's own files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pointwise_bench.suites.harness.run.pytest_benchmark_adapter import CLOCK, report_cell

if TYPE_CHECKING:
    from pointwise_bench.suites.catalogue import CatalogueEntry, Group
    from pointwise_bench.suites.harness.run.session import Session


@pytest.mark.shapes("network", "user")
@pytest.mark.benchmark(timer=CLOCK)
def test_layer(
    run_session: Session, group: Group, layer: CatalogueEntry, threads: int, backend_name: str, benchmark: Any
) -> None:
    report_cell(lambda: run_session.cell(layer.problem, threads, backend_name), benchmark)
