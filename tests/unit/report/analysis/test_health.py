"""The mark of an unstable machine: each trigger alone, none on a calm machine, and the first lines that bear it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from make_run import CEILINGS, cell, write_run

from pointwise_bench.report.__main__ import main
from pointwise_bench.report.analysis.health import unstable
from pointwise_bench.report.reading.run import load_run

PROBLEM = "n1c64h28w28-o128"
CALM = [0.001] * 20


def phase(name: str, scale: float, threads: int = 1) -> dict[str, Any]:
    return CEILINGS[1] | {"phase": name, "threads": threads, "fma_peak_flops": {"float32": 100e9 * scale}}


def folder(tmp_path: Path, beats: list[float], /, **changed: Any) -> Path:
    return write_run(tmp_path, [cell("a", PROBLEM, [1e-3] * 20, canary_s=beats)], **changed)


@pytest.mark.parametrize(
    ("canary", "changed", "said"),
    [
        ([*CALM[:18], 0.00126, 0.00126], {}, "disturbed in 10% of the rounds"),
        (CALM, {"ceilings": [phase("before", 1.0), phase("after", 1.16)]}, "float32 peak of 1 thread 16% apart"),
        (CALM, {"ceilings": [phase(one, s) for one, s in (("before", 1), ("during", 0.8), ("after", 1))]}, "25% apart"),
        (CALM, {"passes": [{"wall_s": 100.0, "steal_s": 2.1}]}, "2.1% of the time stolen"),
        (CALM, {"passes": [{"wall_s": 50.0, "steal_s": 4.0}, {"wall_s": 50.0, "steal_s": 0.0}]}, "4.0% of the time"),
    ],
    ids=["canary", "peaks", "peak during", "steal", "steal of one pass"],
)
def test_each_trigger_alone_marks_the_first_line(
    tmp_path: Path, canary: list[float], changed: dict[str, Any], said: str
) -> None:
    run = folder(tmp_path, canary, **changed)
    phrase = unstable(load_run(run))
    assert phrase is not None
    assert said in phrase
    assert ", " not in phrase
    mark = f"UNSTABLE MACHINE: {phrase}."
    readme = tmp_path / "README.md"
    readme.write_text("<!-- report:begin -->\n<!-- report:end -->\n", encoding="utf-8")
    assert main([str(run), "--out", str(tmp_path / "out"), "--splice", str(readme)]) == 0
    assert mark in (tmp_path / "out" / "index.html").read_text(encoding="utf-8").split("</h1>")[0]
    assert (tmp_path / "out" / "summary.md").read_text(encoding="utf-8").startswith(f"# {mark} ")
    assert readme.read_text(encoding="utf-8").splitlines()[1].startswith(f"**{mark}** ")


@pytest.mark.parametrize(
    ("canary", "changed"),
    [
        ([*CALM[:19], 0.01], {}),
        ([0.00125] * 20, {}),
        (CALM, {"ceilings": [phase("before", 1.0), phase("during", 1.14), phase("after", 1.07)]}),
        (CALM, {"ceilings": [phase("before", 1.0), phase("before", 1.9, threads=2)]}),
        (CALM, {"passes": [{"wall_s": 100.0, "steal_s": 1.9}, {"wall_s": 1.0}, {"steal_s": 50.0}]}),
        ([], {"ceilings": [], "canary": None, "passes": []}),
    ],
    ids=["one slow round", "at the limit", "close peaks", "thread budgets", "little steal", "nothing known"],
)
def test_a_calm_run_has_no_mark(tmp_path: Path, canary: list[float], changed: dict[str, Any]) -> None:
    run = folder(tmp_path, canary, **changed)
    assert unstable(load_run(run)) is None
    main([str(run), "--out", str(tmp_path / "out")])
    assert "UNSTABLE" not in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


def test_backends_times_decide_nothing(tmp_path: Path) -> None:
    wild = [1e-6, 1.0] * 10
    assert unstable(load_run(write_run(tmp_path, [cell("a", PROBLEM, wild, canary_s=CALM)]))) is None
