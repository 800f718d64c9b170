"""Timed: the claims of what a 1x1 convolution is good for, and the layers that they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pointwise_bench.suites.harness.run.pytest_benchmark_adapter import CLOCK, report_cell, report_claim

if TYPE_CHECKING:
    from pointwise_bench.suites.catalogue import CatalogueEntry, Group
    from pointwise_bench.suites.claims import Claim
    from pointwise_bench.suites.harness.run.session import Session


@pytest.mark.claims
@pytest.mark.benchmark(timer=CLOCK)
def test_claim(run_session: Session, claim: Claim, threads: int, backend_name: str, benchmark: Any) -> None:
    report_claim(lambda: run_session.claim_result(claim, threads, backend_name), benchmark)


@pytest.mark.shapes("claims")
@pytest.mark.benchmark(timer=CLOCK)
def test_layer(
    run_session: Session, group: Group, layer: CatalogueEntry, threads: int, backend_name: str, benchmark: Any
) -> None:
    report_cell(lambda: run_session.cell(layer.problem, threads, backend_name), benchmark)
