"""The gate itself is tested: planted wrong backends are all refused, each with a reason that names what is wrong."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from backends import Problem, Source
from suites.harness.examination import Examination
from suites.harness.host import SharedExamination
from suites.harness.outcome import Ended
from suites.harness.worker import Worker

PLANTED = Path(__file__).parent / "planted" / "wrong.py"
PATIENCE_S = 60.0

# One problem on which every mistake shows: more than one image, group and stride, as many input as output channels in
# a group, a square picture that the stride does not divide, bias and ReLU.
EVERY_AXIS = Problem(
    batch=2, in_channels=16, out_channels=16, height=9, width=9, stride=2, groups=2, bias=True, activation="relu"
)
# A long reduction, where gamma_K alone would let TensorFloat-32 pass, and where computing takes longer than copying.
LONG = Problem(batch=1, in_channels=2048, out_channels=64, height=14, width=14)
REASONS = {
    "planted-zeros": "the result is all zeros",
    "planted-transposed-weights": "the weights are transposed",
    "planted-drops-last-channel": "the last input channel is dropped",
    "planted-last-output-channel": "only in channel 15 of 16",
    "planted-forgets-bias": "the bias is missing",
    "planted-forgets-activation": "the ReLU is missing",
    "planted-stride-from-pixel-one": "the stride starts at pixel 1",
    "planted-ignores-stride": "the stride is ignored",
    "planted-interleaves-groups": "groups take interleaved channels",
    "planted-swaps-rows-and-columns": "rows and columns are swapped",
    "planted-wrong-layout": "the output is laid out as nhwc",
    "planted-only-first-image": "every image gets the answer to the first",
    "planted-bfloat16-inside": r"precision probe 1 \+ 2\^-12",
    "planted-tensorfloat-inside": "what TensorFloat-32 or float16 arithmetic gives",
    "planted-float16-sums": "wrong on",
    "planted-swallows-nan": "when the input holds NaN and infinity",
    "planted-wrong-dtype": "returns float64, but the problem is float32",
    "planted-mutates-input": "changes its input",
    "planted-mutates-device-copy": "changes its input",
    "planted-reads-past-the-end": "wrong on small integers",
    "planted-overwrites-earlier-result": 'declares output "fresh"',
    "planted-replays-first-answer": "the answer to the previous input",
    "planted-replays-by-identity": "new values in the same array gave the answer to the old ones",
    "planted-replays-by-content": "an input that it had not seen",
    "planted-answers-previous-input": "all zeros|previous input",
    "planted-wrong-after-a-while": "in the last timed call",
    "planted-unsynchronised": "is not finished when sync",
    "planted-half-written": "wrong on small integers",
    "planted-lazy": "works in to_numpy",
}

PROBLEMS = {"planted-tensorfloat-inside": LONG, "planted-replays-by-content": LONG, "planted-lazy": LONG}


def verdict(name: str, problem: Problem, log: Path) -> Ended | None:
    """How the gate ends the planted backend's part; None when it lets it pass."""
    worker = Worker(name, Source("plugin", str(PLANTED)), threads=1, log=log)
    shared = SharedExamination(problem, Examination.of(problem, seed=1))
    try:
        worker.examine(shared, PATIENCE_S)
        worker.turn(30, 0.0, None, PATIENCE_S)
        worker.conclude(PATIENCE_S)
    except Ended as ended:
        return ended
    else:
        return None
    finally:
        shared.close()
        worker.kill()


@pytest.mark.parametrize("name", REASONS)
def test_refused_for_the_right_reason(name: str, tmp_path: Path) -> None:
    ended = verdict(name, PROBLEMS.get(name, EVERY_AXIS), tmp_path / "log")
    assert ended is not None, f"{name} passed the gate"
    assert ended.status == "wrong", ended
    assert re.search(REASONS[name], ended.reason), ended.reason


@pytest.mark.parametrize("problem", [EVERY_AXIS, LONG], ids=str)
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_the_control_passes(problem: Problem, layout: str, tmp_path: Path) -> None:
    assert verdict("planted-right", replace(problem, layout=layout), tmp_path / "log") is None  # type: ignore[arg-type]


def test_every_planted_backend_has_its_reason() -> None:
    registered = set(re.findall(r'name = "(planted-[\w-]+)"', PLANTED.read_text()))
    assert registered == set(REASONS) | {"planted-right"}


def test_none_is_timed_in_a_real_run(tmp_path: Path) -> None:
    """The whole way round: a run with all of them publishes a time for the control alone."""
    command = [sys.executable, "-m", "pytest", str(Path(__file__).parent), "--benchmark-only", "-q"]
    command += ["--plugin", str(PLANTED), "--backend", "planted-*", "--shapes", EVERY_AXIS.id]
    command += ["--shapes", LONG.id, "--threads", "1", "--results", str(tmp_path), "-p", "no:cacheprovider"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=400)
    (path,) = tmp_path.glob("*/*/cells.jsonl")
    cells = [json.loads(line) for line in path.read_text().splitlines()]
    refused_somewhere = {cell["backend"] for cell in cells if cell["status"] == "wrong"}
    assert refused_somewhere == set(REASONS), done.stdout[-3000:]
    assert all(cell["status"] == "ok" for cell in cells if cell["backend"] == "planted-right")
    assert all(cell["samples_s"] == [] for cell in cells if cell["status"] != "ok")
    # Where a mistake shows, no time is published: on this problem it shows for all but those that need another.
    timed = {cell["backend"] for cell in cells if cell["problem"] == EVERY_AXIS.id and cell["status"] == "ok"}
    assert timed <= {"planted-right", *PROBLEMS}
    assert done.returncode == 1
