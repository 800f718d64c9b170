"""``pointwise-bench recommend``: the table, the regret, the file, and one line on bad input."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from make_run import cell, noisy, write_run
from places import ROOT

from pointwise_bench.backends.problem import Problem
from pointwise_bench.report.reading.run import load_run
from pointwise_bench.suites.catalogue import read
from pointwise_bench.wisdom.entries import Rival, Wisdom, WisdomEntry
from pointwise_bench.wisdom.from_runs import wisdom_of
from pointwise_bench.wisdom.recommend import main
from pointwise_bench.wisdom.regret import chosen_without_time, held_back, of_default, of_unseen
from pointwise_bench.wisdom.simplicity import simplicity
from pointwise_bench.wisdom.wisdom_file import read_wisdom

RECORDED = "results/intel-xeon-processor-2-cores-0d2707db/2026-11-22T22-28-22Z"


def test_it_prints_who_to_use_and_writes_what_a_plan_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    problems = [f"n1c{8 * size}h4w4-o8" for size in (1, 2, 3)]
    times = {"numpy-matmul": 1e-3, "torch-conv2d": 1.5e-3}
    cells = [
        cell(backend, problem, noisy(seconds, seed, 0.002))
        for problem in problems
        for seed, (backend, seconds) in enumerate(times.items())
    ]
    folder, out = write_run(tmp_path, cells), tmp_path / "new" / "w.json"
    assert main([str(folder), "--out", str(out)]) == 0
    said = capsys.readouterr()
    for problem in problems:
        assert re.search(
            rf"^{problem} +1 +numpy-matmul +1\.5\d \[1\.\d\d, 1\.\d\d\] +torch-conv2d +31 rounds", said.out, re.M
        )
    assert "Regret on shapes that are held back: 0.0% on the geometric mean, 0% at worst" in said.out
    assert "is of testbed-2-0123abcd" in said.err
    assert [entry.backend for entry in read_wisdom(out).entries] == ["numpy-matmul"] * 3
    assert [path.name for path in out.parent.iterdir()] == ["w.json"]
    assert main(["--results", str(tmp_path)]) == 0
    assert "numpy-matmul on 3" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["nowhere"], ["--results", "nowhere"], ["--no-such-option"]])
def test_bad_input_is_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(words)
    except SystemExit as left:
        code = int(str(left.code))
    said = capsys.readouterr()
    assert (code, said.out) == (4, "")
    assert re.fullmatch(r"pointwise-bench recommend: [^\n]+\n", said.err)


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_run(tmp_path, [cell("a", "n1c8h4w4-o8", noisy(1e-3))])
    assert main([str(folder), "--out", str(folder / "run.json" / "w.json")]) == 4
    assert "cannot be written" in capsys.readouterr().err


def test_the_regret_is_of_what_was_held_back() -> None:
    """Two problems side by side whose winners differ: each speaks for the other, and is wrong by what it says."""
    wisdom = Wisdom(
        "m", {}, (_entry(8, "numpy-matmul", "numpy-einsum", 1.5), _entry(16, "numpy-einsum", "numpy-matmul", 6))
    )
    found = held_back(wisdom)
    assert (found.shapes, found.fastest, found.worst_problem) == (2, 0, "n1c16h4w4-o8")
    assert found.mean == pytest.approx(3 - 1)
    assert found.worst == pytest.approx(6 - 1)
    rule = of_default(wisdom)
    assert rule.fastest == 1
    assert rule.mean == pytest.approx(6**0.5 - 1)


def _entry(channels: int, first: str, second: str, ratio: float) -> WisdomEntry:
    problem = Problem(batch=1, in_channels=channels, out_channels=8, height=4, width=4)
    return WisdomEntry(problem, 1, "r", first, "faster", 1.0, (Rival(second, ratio, 1, 9, "faster", 9, 3),))


def test_the_regret_on_unseen_problems_is_of_what_the_plan_would_take() -> None:
    """What wisdom has seen counts for nothing, whatever was measured of it later."""
    wisdom = Wisdom("m", {}, (_entry(8, "numpy-matmul", "numpy-einsum", 1.5),))
    measured = Wisdom(
        "m", {}, (_entry(8, "numpy-einsum", "numpy-matmul", 9), _entry(16, "numpy-einsum", "numpy-matmul", 4))
    )
    found = of_unseen(wisdom, measured)
    assert (found.shapes, found.worst_problem) == (1, "n1c16h4w4-o8")
    assert found.worst == pytest.approx(4 - 1)
    assert of_unseen(None, measured).shapes == 2, "without wisdom everything is new, and the rule is followed"


def test_who_is_planned_and_was_left_out_of_the_run_is_named() -> None:
    """The regret passes over who has no time, as a plan does over who refuses: then it is not the plan's."""
    wisdom = Wisdom("m", {}, (_entry(8, "numpy-einsum", "numpy-matmul", 1.5),))
    there = _entry(16, "numpy-einsum", "numpy-matmul", 4)
    left_out = _entry(32, "numpy-matmul", "numpy-tensordot", 2)
    measured = Wisdom("m", {}, (_entry(8, "numpy-matmul", "numpy-tensordot", 2), there, left_out))
    assert chosen_without_time(wisdom, measured) == {"numpy-einsum": 1}
    assert chosen_without_time(wisdom, Wisdom("m", {}, (there,))) == {}
    assert chosen_without_time(None, measured) == {"numba-microkernel": 3}


def test_the_experiment_draws_what_a_run_can_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs/experiments"))
    import regret as experiment

    problems = experiment.drawn(40, seed=3)
    assert problems == experiment.drawn(40, seed=3) != experiment.drawn(40, seed=4)
    (tmp_path / "random.csv").write_text(experiment.layers_of(problems))
    assert [layer.problem for layer in read(tmp_path / "random.csv").layers] == problems
    assert max(problem.macs for problem in problems) <= experiment.LARGEST
    assert {problem.stride for problem in problems} == {1, 2}


def test_the_document_states_the_regret_on_the_recorded_run() -> None:
    (row,) = re.findall(rf"^\| `{RECORDED}`[^|]*\|(.*)\|$", (ROOT / "docs/WISDOM.md").read_text(), re.M)
    layers, planned, _, _, rule = (each.strip() for each in row.split("|"))
    wisdom = wisdom_of([load_run(ROOT / RECORDED)])
    for stated, found in ((planned, held_back(wisdom)), (rule, of_default(wisdom))):
        assert (layers, stated) == (str(found.shapes), f"{100 * found.mean:.1f} %, {100 * found.worst:.0f} %")


def test_the_simpler_is_who_needs_less() -> None:
    names = ["mine", "jax-conv", "torch-compile", "torch-conv2d", "numba-serial", "numpy-matmul"]
    assert sorted(names, key=simplicity) == names[::-1]
