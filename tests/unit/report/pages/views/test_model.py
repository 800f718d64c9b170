"""The page on a model, and what the run's page says of it."""

from __future__ import annotations

from pathlib import Path

from make_run import cell, run_of
from make_timed_model import MACHINE, timed_model, write_models
from report_folder import drawing, rows_of

from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.pages.site import write_site
from pointwise_bench.report.pages.views.model import view

LAYER = "n1c8h4w4-o8"
CELLS = [cell(who, LAYER, [time] * 9, group="layers-of-net") for who, time in (("a", 3e-4), ("b", 1e-4))]
LEFT = [{"what": "3x3 <convolution>", "count": 2, "multiply_adds": 250, "names": ["stem"]}]


def test_the_pages_are_about_the_model(tmp_path: Path) -> None:
    models = {"layers-of-net": {"title": "net.onnx", "multiply_adds": 1000, "left_out": LEFT}}
    selection = [{"group": "layers-of-net", "name": LAYER, "count": 1, "problem": LAYER, "threads": 1}]
    with drawing(plots=False):
        page = write_site([analyse(run_of(tmp_path, CELLS, models=models, selection=selection))], tmp_path / "out")
    text = page.read_text(encoding="utf-8")
    assert "net.onnx, 1 thread</a>: " in text
    said = "1 distinct layers, 1 by occurrence, of net.onnx: 75.00 % of its 1,000 multiply-adds."
    assert f"<p>{said} Left out: 3x3 &lt;convolution&gt; (25.00 %).</p>" in text
    assert 'href="model.html"' in text
    assert "3x3 &lt;convolution&gt;" in (tmp_path / "out" / "model.html").read_text(encoding="utf-8")
    (row,) = rows_of(next((tmp_path / "out" / "tables").glob("model-*.csv")))
    assert list(row.values()) == ["net.onnx", "3x3 <convolution>", "2", "25.00 %", "stem, ..."]


def test_of_a_run_of_no_model_there_is_no_page(tmp_path: Path) -> None:
    assert view(analyse(run_of(tmp_path, CELLS)), {}) is None


def test_the_whole_model_stands_there_too_and_where_it_was_not_measured_the_command_that_does(tmp_path: Path) -> None:
    models = {"layers-of-net": {"title": "torchvision:<net>", "multiply_adds": 1000, "left_out": LEFT}}
    selection = [{"group": "layers-of-net", "name": LAYER, "count": 1, "problem": LAYER, "threads": 1}]
    keys = {"models": models, "selection": selection}
    with drawing(plots=False):
        run = run_of(tmp_path / "none", CELLS, **keys)
        write_site([analyse(run)], tmp_path / "without")
        write_models(tmp_path / "some" / MACHINE, [timed_model(), timed_model(model="not-this-one")])
        page = write_site([analyse(run_of(tmp_path / "some", CELLS, **keys))], tmp_path / "with")
    text = (tmp_path / "without" / "model.html").read_text(encoding="utf-8")
    assert "pointwise-bench optimize &#39;torchvision:&lt;net&gt;&#39;</code>" in text
    assert "<p>The whole model: Optimised it is 2.00×" in page.read_text(encoding="utf-8")  # noqa: RUF001
    text = page.with_name("model.html").read_text(encoding="utf-8")
    assert "Optimised it is 2.00×" in text  # noqa: RUF001
    assert "not-this-one" not in text
    rows = rows_of(next((page.parent / "tables").glob("model-whole-layers-1.csv")))
    assert [list(row.values())[1:] for row in rows] == [
        ["first", "oneDNN", "normalisation, relu", "oneDNN 1 us"],
        ["last", "modules or oneDNN", "", "modules 1 us"],
    ]
