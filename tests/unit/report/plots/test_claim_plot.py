"""The plot of measured over predicted gains."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from make_claims import STRIDE, claim_line, claims_of

from pointwise_bench.report.plots.claim_plot import draw_gains
from pointwise_bench.report.plots.style import looks


def test_gains_are_drawn(tmp_path: Path) -> None:
    found = claims_of(tmp_path, claim_line("stride", "a", STRIDE))
    path = draw_gains(found.gains, looks(["a"]), tmp_path / "plots" / "claims.svg")
    assert path is not None
    ElementTree.fromstring(path.read_bytes())
    assert draw_gains([], {}, tmp_path / "none.svg") is None
