"""Pages over several runs are found: one file is enough."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pointwise_bench.report.pages import across
from pointwise_bench.report.pages.across.finding import pages_across


def test_a_module_that_looks_over_runs_is_a_page_and_others_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "from pointwise_bench.report.pages.files.csv_file import CsvFile\nTITLE = 'All'\n"
    source += "def over(runs, colours):\n    return {'n': len(runs), 'beside': [CsvFile('n.csv', ('n',), [])]}\n"
    (tmp_path / "a_page.py").write_text(source)
    (tmp_path / "nothing.py").write_text("TITLE = 'Nothing'\ndef over(runs, colours):\n    return None\n")
    (tmp_path / "helper.py").write_text("")
    monkeypatch.setattr(across, "__path__", [str(tmp_path)])
    (found,) = pages_across([], {}, "home.html")
    assert (found.title, found.page.name, found.page.template) == ("All", "a_page.html", "a_page.html")
    assert (found.page.values, [file.name for file in found.page.beside]) == ({"home": "home.html", "n": 0}, ["n.csv"])
    for name in ("a_page", "nothing", "helper"):
        sys.modules.pop(f"{across.__name__}.{name}", None)
