"""Views are found: one file is enough."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from make_run import cell, run_of

from pointwise_bench.report.pages import views
from pointwise_bench.report.pages.files.csv_file import CsvFile
from pointwise_bench.report.pages.rendering import Page
from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.pages.views.finding import View, view_of, views_there
from pointwise_bench.report.plots.style import looks


def test_a_module_with_a_view_is_a_page_and_one_without_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a_view.py").write_text("TITLE = 'A view'\ndef view(found, colours):\n    return {'runs': []}\n")
    (tmp_path / "empty_view.py").write_text("TITLE = 'Empty'\ndef view(found, colours):\n    return None\n")
    (tmp_path / "helper.py").write_text("")
    monkeypatch.setattr(views, "__path__", [str(tmp_path)])
    found = analyse(run_of(tmp_path / "runs", [cell("a", "n1c8h4w4-o8", [1e-3] * 9)]))
    first, second = views_there()
    view = view_of(first, found, looks(["a"]), "2-", "run-2.html")
    assert view is not None
    assert view_of(second, found, looks(["a"]), "2-", "run-2.html") is None
    assert (view.title, view.page.name, view.page.template) == ("A view", "2-a-view.html", "a_view.html")
    assert view.page.values == {"runs": [], "home": "run-2.html", "machine": found.run.machine} | {
        "started_at": found.run.started_at,
        "prefix": "2-",
    }
    for name in ("a_view", "empty_view", "helper"):
        sys.modules.pop(f"{views.__name__}.{name}", None)


def test_files_beside_a_view_get_the_prefix_of_its_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "from pointwise_bench.report.pages.files.csv_file import CsvFile\nTITLE = 'With a file'\n"
    source += "def view(found, colours):\n    return {'beside': [CsvFile('numbers.csv', ('a',), [(1,)])]}\n"
    (tmp_path / "filed_view.py").write_text(source)
    monkeypatch.setattr(views, "__path__", [str(tmp_path)])
    (module,) = views_there()
    view = view_of(module, analyse(run_of(tmp_path / "runs", [])), {}, "2-", "run-2.html")
    assert view is not None
    assert [file.name for file in view.page.beside] == ["2-numbers.csv"]
    assert "beside" not in view.page.values
    sys.modules.pop(f"{views.__name__}.filed_view", None)


def test_of_a_view_that_is_written_its_name_is_left(tmp_path: Path) -> None:
    page = Page("summary.md", "summary.md", {"runs": []}, (CsvFile("numbers.csv", ("a",), [(1,)]),))
    written = View("A view", page).written(tmp_path)
    assert written == View("A view", Page("summary.md", "summary.md", {}))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["numbers.csv", "summary.md"]
