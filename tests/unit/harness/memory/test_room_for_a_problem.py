"""The memory that a problem takes in the harness: predicted from above, held against what there is."""

from __future__ import annotations

import resource
import subprocess
import sys
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from pointwise_bench import Problem
from pointwise_bench.suites.harness.memory import room_for_a_problem as module
from pointwise_bench.suites.harness.memory.room_for_a_problem import available_bytes, lacks_room, predicted_bytes
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.worker.client_protocol import SharedCases

MIB = 2**20


@pytest.mark.parametrize(
    "identity",
    [
        "n1c64h96w96-o64",
        "n1c64h96w96-o64-bias-relu-nhwc",
        "n1c256h48w48-o8",
        "n1c8h96w96-o128",
        "n4c64h48w48-o64-s2",
        "n1c1024h4w4-o1024",
        "n1c64h96w96-o64-float16",
        "n1c64h96w96-o64-float64",
        "n1c64h96w96-o64-backward-input",
        "n1c64h96w96-o64-backward-weight",
    ],
)
def test_what_is_predicted_is_enough_and_not_far_too_much(identity: str) -> None:
    """Of arrays as Python counts them, and of the block in shared memory, which it does not."""
    problem = Problem.parse(identity)
    small = SharedCases(Problem.parse("n1c8h4w4-o8"), CaseSet.of(Problem.parse("n1c8h4w4-o8"), seed=1))
    small.descriptor()  # what is imported on the first use is no part of it
    small.close()
    tracemalloc.start()
    try:
        cases = CaseSet.of(problem, seed=1)
        shared = SharedCases(problem, cases)
        block = Path(f"/proc/self/fd/{shared.descriptor()}").stat().st_size
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    shared.close()
    seen = peak + block
    assert seen <= predicted_bytes(problem) <= 4 * seen


def test_what_does_not_fit_is_said_with_both_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "available_bytes", lambda: 5 * 2**30)
    reason = lacks_room(Problem.parse("n46341c1h46341w1-o1"))
    assert reason is not None
    assert reason.startswith("too large for the memory here: its inputs, weights, answers and their copies take some ")
    assert reason.endswith(" GiB, and 5 GiB are free")
    assert lacks_room(Problem.parse("n1c64h56w56-o64")) is None


def test_each_backend_that_answers_beside_others_takes_its_results() -> None:
    """Sixteen at once on a large machine had taken fifteen times ten results more than was foreseen."""
    problem = Problem.parse("n1c64h96w96-o64")
    result = 64 * 96 * 96 * 4
    assert predicted_bytes(problem, 16) - predicted_bytes(problem) == 15 * 10 * result


@pytest.mark.parametrize("identity", ["n1c2000000000h2000000000w1-o1", "n1c1h1w1-o99999999999999999999"])
def test_no_size_is_too_large_to_be_told(identity: str) -> None:
    assert lacks_room(Problem.parse(identity)) is not None


def test_the_least_of_machine_group_and_limits_is_available(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CGROUPS", tmp_path)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=900 * MIB))
    monkeypatch.setattr(resource, "getrlimit", lambda which: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert available_bytes() == 900 * MIB
    (tmp_path / "memory.max").write_text(f"{700 * MIB}\n")
    (tmp_path / "memory.current").write_text(f"{300 * MIB}\n")
    assert available_bytes() == 400 * MIB
    (tmp_path / "memory.max").write_text("max\n")
    assert available_bytes() == 900 * MIB
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory/memory.limit_in_bytes").write_text(str(500 * MIB))
    (tmp_path / "memory/memory.usage_in_bytes").write_text(str(600 * MIB))
    assert available_bytes() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/statm")
@pytest.mark.parametrize("which", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_a_limit_of_the_process_counts(which: str) -> None:
    program = (
        "import resource\n"
        "from pointwise_bench.suites.harness.memory.room_for_a_problem import available_bytes\n"
        f"resource.setrlimit(resource.{which}, (2**33, 2**33))\n"
        "print(available_bytes())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert 0 < int(done.stdout) < 2**33
