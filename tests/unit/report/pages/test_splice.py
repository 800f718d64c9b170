"""Text put between the markers of a document."""

from __future__ import annotations

from pathlib import Path

import pytest

from pointwise_bench.report.pages.splice import splice
from pointwise_bench.report.reading.errors import ReportError


def test_splice_replaces_only_what_is_between_the_markers(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_bytes(b"before\r\n<!-- report:begin -->\nold\n<!-- report:end -->\r\nafter")
    splice(path, "new")
    assert path.read_bytes() == b"before\r\n<!-- report:begin -->\nnew\n<!-- report:end -->\r\nafter"


@pytest.mark.parametrize("text", ["none", "END BEGIN", "BEGIN", "BEGIN END END", "BEGIN BEGIN END", "END BEGIN END"])
def test_splice_refuses_a_file_without_its_markers(tmp_path: Path, text: str) -> None:
    path = tmp_path / "README.md"
    text = text.replace("BEGIN", "<!-- report:begin -->").replace("END", "<!-- report:end -->")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ReportError, match="report:begin"):
        splice(path, "new")
    assert path.read_text(encoding="utf-8") == text
