"""The harness's measurement of itself: counted as known ratios demand, and kept condition by condition."""

from __future__ import annotations

import json
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import numpy as np
import pytest
from make_run import cell, drifting, write_run

from pointwise_bench.suites.calibration import __main__ as calibration
from pointwise_bench.suites.calibration.__main__ import _rates, _write
from pointwise_bench.suites.calibration.twins import Slower

PROBLEM, SMALL = "n1c64h56w56-o64", "n1c8h4w4-o8"
SHARES = {"twin": 0, "twin-again": 0, "twin-slower-by-1": 1, "twin-slower-by-3": 3, "twin-slower-by-5": 5}


def a_run(results: Path, true: dict[str, float], seconds: dict[str, float]) -> Path:
    """Three starts of forty rounds; ``true`` is each backend's time over the first one's."""
    generator = np.random.default_rng(3)
    cells = []
    for problem, one in seconds.items():
        series = drifting(generator, [one * ratio for ratio in true.values()], rounds=120, noise=0.004)
        places = {"process": [0] * 40 + [1] * 40 + [2] * 40}
        cells += [cell(name, problem, times, **places) for name, times in zip(true, series, strict=True)]
    return write_run(results, cells)


def counts(found: dict[str, Any], percent: int) -> dict[str, int]:
    return next(each for each in found["slower"] if each["percent"] == percent)


def test_declared_slowdowns_are_found_and_twins_are_not_called_different(tmp_path: Path) -> None:
    true = {name: 1 + percent / 100 for name, percent in SHARES.items()}
    found = _rates(a_run(tmp_path, true, {PROBLEM: 1e-3}))
    assert (found["problems"], found["same"]["pairs"], found["same"]["called_different"]) == (1, 1, 0)
    # One problem has not shown much of what starts may shift: 5 % are not told by the first start alone.
    once = found["first_start"]
    assert (once["same"]["pairs"], once["same"]["called_different"]) == (1, 0)
    assert [(one["pairs"], one["found"], one["wrong_sign"]) for one in once["slower"]] == [(2, 0, 0)] * 3
    assert [(one["percent"], one["pairs"], one["found"]) for one in found["slower"]] == [
        (1, 2, 0),
        (3, 2, 2),
        (5, 2, 2),
    ]
    assert all(one["wrong_sign"] == 0 for one in found["slower"])


def test_verdicts_that_err_are_counted_as_errors(tmp_path: Path) -> None:
    """Twins of which one is slower, and a backend that is faster than its name says: both must show."""
    true = dict.fromkeys(SHARES, 1.0) | {"twin-again": 1.2, "twin-slower-by-5": 0.7}
    found = _rates(a_run(tmp_path, true, {PROBLEM: 1e-3}))
    assert found["same"]["called_different"] == 1
    assert counts(found, 5)["wrong_sign"] == 2
    assert found["first_start"]["same"]["called_different"] == 1
    assert counts(found["first_start"], 5)["wrong_sign"] == 2


def test_a_share_of_a_time_too_short_to_be_waited_is_not_counted(tmp_path: Path) -> None:
    true = {name: 1 + percent / 100 for name, percent in SHARES.items()}
    found = _rates(a_run(tmp_path, true, {PROBLEM: 1e-3, SMALL: 20e-6}))
    assert (found["problems"], found["same"]["pairs"], counts(found, 3)["pairs"]) == (2, 2, 2)


def test_a_condition_takes_the_place_of_its_former_self_and_the_others_stay(tmp_path: Path) -> None:
    machine = tmp_path / "testbed"
    for threads, load, run in ((2, "quiet", "a"), (1, "half-a-core", "b"), (1, "quiet", "c"), (2, "quiet", "d")):
        _write(machine, {"threads": threads, "load": load, "run": run})
    kept = json.loads((machine / "calibration.json").read_text())["conditions"]
    assert [each["run"] for each in kept] == ["c", "b", "d"]


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", '{"format": 1}', '{"format": 1, "conditions": [3]}', '{"format": 99}'),
        *(
            f'{{"format": 1, "conditions": [{{"threads": {threads}, "load": {load}}}]}}'
            for threads, load in (('"1"', '"quiet"'), ("null", '"quiet"'), ("1.5", '"quiet"'), ("2", "3"))
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_put_aside(tmp_path: Path, content: str) -> None:
    machine = tmp_path / "testbed"
    machine.mkdir()
    (machine / "calibration.json").write_text(content)
    _write(machine, {"threads": 1, "load": "quiet", "run": "a"})
    assert len(json.loads((machine / "calibration.json").read_text())["conditions"]) == 1
    assert (machine / "calibration.json.damaged").read_text() == content


def test_a_place_that_takes_no_file_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "testbed" / "calibration.json"
    place.mkdir(parents=True)
    monkeypatch.setattr(calibration, "_measure", lambda options, threads, load: tmp_path / "testbed" / "run")
    monkeypatch.setattr(calibration, "_rates", lambda run: {})
    monkeypatch.setattr(calibration, "_sentence", lambda found: "")
    assert calibration.main(["--results", str(tmp_path), "--load", "quiet", "--threads", "1"]) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"pointwise-bench calibrate: {place}: cannot be written: ")
    assert line.endswith("; name another place with --results")


def test_the_slower_twin_waits_for_its_share_of_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    from pointwise_bench import Problem, get

    class SlowerBy50(Slower):
        percent = 50

    monkeypatch.setattr(type(get(Slower.original)), "prepare", lambda *prepared: sleep)
    layer = SlowerBy50().prepare(Problem.parse(SMALL), None, None, 1)
    began = perf_counter()
    layer(0.04)
    assert perf_counter() - began >= 0.06
