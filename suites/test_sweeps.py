"""Timed: the basics, sweeps that vary one axis at a time, and layers that were reported slow or wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pointwise_bench.suites.harness.run.pytest_benchmark_adapter import CLOCK, report_cell

if TYPE_CHECKING:
    from pointwise_bench.suites.catalogue import CatalogueEntry, Group
    from pointwise_bench.suites.harness.run.session import Session


@pytest.mark.shapes("basics", "sweep", "museum")
@pytest.mark.benchmark(timer=CLOCK)
def test_point(
    run_session: Session, group: Group, layer: CatalogueEntry, threads: int, backend_name: str, benchmark: Any
) -> None:
    report_cell(lambda: run_session.cell(layer.problem, threads, backend_name), benchmark)
