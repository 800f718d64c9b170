"""Plugins that try to get a time that they did not earn: none is timed, and the honest control is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripted_backend import CASES, PROBLEM

from pointwise_bench import Problem
from pointwise_bench.common.formats import ATTACKS_FILE
from pointwise_bench.suites.attacks import course
from pointwise_bench.suites.attacks.__main__ import GROUPS, main
from pointwise_bench.suites.attacks.arithmetic import Honest, is_timed
from pointwise_bench.suites.attacks.kinds import CONTROL, CONTROL_KIND, KINDS, Kind
from pointwise_bench.suites.harness.machine import confinement, devices
from pointwise_bench.suites.harness.machine.environment import machine
from pointwise_bench.suites.harness.machine.project_version import project_version
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.record.locks import Lock, machine_lock
from pointwise_bench.suites.harness.timing.judged_layer import JudgedLayer
from pointwise_bench.suites.planted.shows_on import LONG

LARGE = Problem(batch=1, in_channels=256, out_channels=128, height=28, width=28, bias=True, activation="relu")

# Who would have to compute as much as the control, and so may be timed.
GAINLESS = ("remembers", "streak", "computes_ahead")
SOMEWHERE = "wrong (in one of|in the last|after|on|among|when|where) "
"""By any question or timed call: for those of whom time or chance decides by which."""
REASONS = {
    "answer_sheet": "wrong on small integers: the result is all zeros",
    "foreseen": "wrong on small integers: the result is all zeros",
    "skips_when_timed": "wrong in (the last|one of the) timed call",
    "computes_in_to_device": "makes something of its input in to_device",
    "tells_a_false_place": "works in to_device|wrong in (the last|one of the) timed call",
    "first_calls": "wrong in (the last|one of the) timed call",
    "reads_the_turn": "wrong in one of the timed calls",
    "convolves_the_pool": "wrong in (the last|one of the) timed call",
    "skips_between_looks": "wrong in (the last|one of the) timed call",
    "slides": "wrong in (the last|one of the) timed call",
    "lazy_when_looked_at": "what it hands out of a timed call is not what lay in the result's memory",
    "keeps_back": "keeps results of timed calls from being looked at",
    "hides_in_the_untimed": "its clock is wrong",
    "slows_its_clock": "its clock is wrong",
    "lazy_subclass": "what it hands out of a timed call is not what lay in the result's memory",
    "patches_builtins": "what it hands out of a timed call is not what lay in the result's memory",
    "by_its_caller": "wrong in (the last|one of the) timed call",
    "rounds_part": "wrong on real numbers",
    "false_device_timer": "its device timer is wrong",
    "claims_cuda": 'declares device "cuda", and its process has opened none',
    "claims_opencl": 'declares device "opencl", and its process has opened none',
    "changes_its_device": "works in to_numpy",
    "finishes_later": SOMEWHERE,  # in whichever it has not finished
    "lazy": "works in to_numpy",
    "partly_lazy": "works in to_numpy",
    "lazy_with_a_copy": r"works in to_numpy\(\), where no clock runs: the first reading.*, the second ",
    "lazy_evenly": r"works in to_numpy\(\), where no clock runs: the first reading.* of an array that was ready",
    "lazy_reader": "works in to_numpy|in a result that is read when its input has other values",
    "lazy_once": "works in to_numpy|in a result that is read when its input has other values",
    "small_values": "wrong among small numbers: small numbers are taken for zero",
    "small_weights": "wrong on real numbers",
    "clips": "what no number of this type can hold must be infinite|another number",
    "cleans_weights": "wrong where a weight or the bias is NaN or infinite",
    "cleans_bias": "wrong where a weight or the bias is NaN or infinite",
    "skips_zeros": "when the input holds NaN and infinity",
    "saturates": "what no number of this type can hold must be infinite",
    "one_infinity": "wrong on small integers|NaN",
    "wrong_now_and_then": SOMEWHERE,  # whenever chance has it
    "takes_views_for_wholes": "wrong on small integers",
    "edits_results": "PermissionError",
    "signals_the_harness": "PermissionError",
    "computes_in_a_child": "used .* CPU seconds per second on a budget of 1 thread",
    "ring": 'declares output "fresh", but a later call overwrites its result',
}


OTHERWISE: dict[str, dict[str, Any]] = {
    "saturates": {"dtype": "float16"},
    "false_device_timer": {"in_channels": 64, "out_channels": 64, "height": 7, "width": 7},
    "wrong_now_and_then": {"in_channels": 16, "out_channels": 16, "height": 7, "width": 7},
    "convolves_the_pool": {"height": 7, "width": 7},
    "skips_between_looks": {"in_channels": 64, "out_channels": 64, "height": 7, "width": 7},
    "lazy_with_a_copy": {"in_channels": 16, "out_channels": 16, "height": 7, "width": 7},
    "lazy_evenly": {"in_channels": 32, "out_channels": 32, "height": 7, "width": 7},
    "lazy_reader": {"in_channels": 16, "out_channels": 16, "height": 7, "width": 7},
    "lazy_once": {"in_channels": 16, "out_channels": 16, "height": 7, "width": 7},
}
"""What the problem must be for some."""
USES_ITS_DEVICE = ("false_device_timer",)
"""Who is taken for one that computes on what it declares, to see what else is asked of it."""
BEYOND_BUDGET = ("computes_in_a_child",)
"""Whose answers are right."""
UNCONFINED = {"edits_results": 1, "signals_the_harness": confinement.SIGNALS_SINCE}
"""Who is held by the kernel, and from which version of its Landlock on."""


def tried(kind: str, problem: Problem, folder: Path) -> course.Attempt:
    (attempt,) = course.attempts(CONTROL_KIND if kind == CONTROL else KINDS[kind], [problem], folder)
    return attempt


@pytest.mark.alone  # it is judged by time as well
def test_the_control_is_timed_in_both_layouts(tmp_path: Path) -> None:
    problems = [LARGE, replace(LARGE, layout="nhwc")]
    found = list(course.attempts(CONTROL_KIND, problems, tmp_path))
    assert [attempt.problem for attempt in found] == problems
    assert [attempt.ended for attempt in found] == [None, None]


@pytest.mark.parametrize("attack", [each for each in REASONS if each not in BEYOND_BUDGET])
def test_an_attack_is_refused_for_the_right_reason(attack: str, on_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine with devices of every kind.

    In one of three parts: rows that are looked at are drawn, and all may be among those that were computed.
    """
    if confinement.version() < UNCONFINED.get(attack, 0):
        pytest.skip("this kernel does not hold it")
    monkeypatch.setattr(devices, "shown", lambda device: 1)
    if attack in USES_ITS_DEVICE:
        monkeypatch.setattr(devices, "not_used", lambda device, pid: None)
    problem = replace(LARGE, **OTHERWISE.get(attack, {}))
    ends = (tried(attack, problem, on_disk).ended for _ in range(3))
    ended = next((each for each in ends if each is not None), None)
    assert ended is not None, f"{attack} was timed"
    assert ended.status == ("failed" if attack in UNCONFINED else "wrong"), ended
    assert re.search(REASONS[attack], ended.reason), ended.reason


@pytest.mark.alone  # beside other tests there is no processor left for what is computed elsewhere
@pytest.mark.parametrize("attack", BEYOND_BUDGET)
def test_an_attack_that_computes_elsewhere_is_refused_where_there_is_a_core_for_it(attack: str, on_disk: Path) -> None:
    """Its answers are right: what it uses of the machine gives it away."""
    ends = (tried(attack, LARGE, on_disk).ended for _ in range(3))
    ended = next((each for each in ends if each is not None), None)
    assert ended is not None, f"{attack} was timed"
    assert ended.status == "failed", ended
    assert re.search(REASONS[attack], ended.reason), ended.reason


def test_who_is_wrong_now_and_then_on_a_small_layer_is_searched_on_a_large_one(tmp_path: Path) -> None:
    """Of whose calls those that are looked at otherwise are too few."""
    kind = KINDS["wrong_now_and_then"]
    problems = [LARGE, replace(LARGE, **OTHERWISE[kind.name])]
    assert [each.ended and each.ended.status for each in course.attempts(kind, problems, tmp_path)] == ["wrong"] * 2


@pytest.mark.parametrize("attack", ["claims_cuda", "claims_opencl", "false_device_timer"])
def test_a_device_that_the_machine_does_not_have_is_not_believed(
    attack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "shown", lambda device: 0)
    ended = tried(attack, replace(LARGE, **OTHERWISE.get(attack, {})), tmp_path).ended
    assert ended is not None, f"{attack} was timed"
    assert ended.status == "unavailable"
    assert "of which this machine has none" in ended.reason


@pytest.mark.alone  # their times are compared
@pytest.mark.parametrize("attack", GAINLESS)
def test_an_attack_that_is_timed_gains_nothing(attack: str, tmp_path: Path) -> None:
    """Or is refused: who tells inputs by a few of their values takes one for another now and then."""
    attempt = tried(attack, LARGE, tmp_path)
    assert attempt.ended is None or attempt.ended.status == "wrong"
    assert not attempt.gained, attempt


def test_every_attack_has_its_reason_and_says_what_it_tries() -> None:
    assert set(GROUPS["attacks"]) == {*REASONS, *GAINLESS}
    for kind in GROUPS["attacks"]:
        assert len(KINDS[kind].tries.split()) > 5


def test_attacks_know_timed_calls_from_others() -> None:
    """Else they would be honest where they are timed, or in every call, and be refused or gain nothing for that."""
    seen: list[bool] = []

    class Noting(Honest):
        name = "attack-notes"

        def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
            layer = super().prepare(problem, weight, bias, threads)  # type: ignore[no-untyped-call]

            def noting(x: Any) -> Any:
                seen.append(is_timed())
                return layer(x)

            return noting

    judged = JudgedLayer(Noting(), threads=1)
    judged.set_up(PROBLEM, CASES)
    assert not any(seen)
    seen.clear()
    judged.turn(5, 0.0)
    assert seen[:6] == [False] + [True] * 5


def test_planted_mistakes_are_tried_where_they_are_mistakes_and_may_get_no_time() -> None:
    """One that is let through gains, whatever its time; what each declares is read from its source."""
    assert KINDS["planted-lazy"].wrong_on == LONG
    assert KINDS["planted-adds-up-input-gradients"].declared.output == "reused"
    files = {"wrong", "wrong_activations", "wrong_calls", "wrong_gradients", "wrong_residuals"}
    assert {KINDS[name].file.stem for name in GROUPS["planted"]} == files
    assert course.Attempt(LONG, None).gained
    assert not course.Attempt(LONG, Ended("wrong", "the result is all zeros")).gained


@pytest.mark.parametrize(("share", "code"), [(0.5, 1), (1.02, 0), (None, 0)])
def test_the_command_says_who_got_a_time_and_keeps_it(
    share: float | None, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """One line for each kind, and exit code 1 where one of them has a time that its control does not have."""
    ended = None if share else Ended("wrong", "works in to_numpy")
    monkeypatch.setattr(course, "attempts", lambda kind, problems, folder: [course.Attempt(LARGE, ended, share)])
    assert main(["--kind", "lazy", "--shapes", LARGE.id, "--results", str(tmp_path)]) == code
    line, last, where = capsys.readouterr().out.splitlines()
    said = {0.5: f"lazy: GOT A TIME on {LARGE}", 1.02: "lazy: gains nothing", None: "lazy: refused on 1 of 1: works in"}
    assert line.startswith(said[share])
    assert last == f"got a time that it did not earn: {code} of 1 attacks ({100 * code} %)"
    assert where == f"kept in {tmp_path / machine() / ATTACKS_FILE}"
    (kind,) = kept(tmp_path)["kinds"]
    assert (kind["kind"], kind["cells"], kind["refused"], kind["gained"]) == ("lazy", 1, share is None, code)
    assert kind["project"] == project_version()
    assert kept(tmp_path)["known"] == {group: len(names) for group, names in GROUPS.items()}


def kept(results: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((results / machine() / ATTACKS_FILE).read_text())
    return content


def test_of_a_call_that_is_interrupted_what_it_has_tried_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def attempts(kind: Kind, problems: list[Problem], folder: Path) -> Iterator[course.Attempt]:
        yield course.Attempt(LARGE, Ended("wrong", "the result is all zeros"))
        if kind.name == "ring":
            raise KeyboardInterrupt

    monkeypatch.setattr(course, "attempts", attempts)
    with pytest.raises(KeyboardInterrupt):
        main(["--kind", "lazy", "--kind", "ring", "--kind", "planted", "--results", str(tmp_path)])
    assert [each["kind"] for each in kept(tmp_path)["kinds"]] == ["lazy"]


def test_a_kind_that_takes_none_of_the_problems_was_not_tried(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(course, "attempts", lambda kind, problems, folder: [])
    assert main(["--kind", "lazy", "--results", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "lazy: takes none of these problems",
        "got a time that it did not earn: "
        "none of the attacks that were asked for could be tried on any of these problems",
    ]
    assert kept(tmp_path)["kinds"] == []


def test_a_kind_that_needs_what_the_machine_lacks_is_kept_and_not_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lacking = [course.Attempt(LARGE, Ended("unavailable", "there is no such device"))]
    monkeypatch.setattr(course, "attempts", lambda kind, problems, folder: lacking)
    assert main(["--kind", "lazy", "--results", str(tmp_path)]) == 0
    assert "could be tried on any of these problems" in capsys.readouterr().out
    assert [each["unavailable"] for each in kept(tmp_path)["kinds"]] == [1]


def test_a_place_that_takes_no_file_is_one_line_before_anything_is_tried(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(course, "attempts", lambda kind, problems, folder: pytest.fail("was tried"))
    (tmp_path / "taken").write_text("")
    assert main(["--results", str(tmp_path / "taken")]) == 4
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        f"pointwise-bench attack: {tmp_path / 'taken' / machine() / ATTACKS_FILE}: cannot be written: Not a directory; "
        "name another place with --results"
    ]


def test_beside_another_that_measures_on_this_machine_nothing_is_tried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Lock.take(machine_lock(), "since noon")
    try:
        assert main(["--results", str(tmp_path / "results")]) == 4
    finally:
        other.release()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("pointwise-bench attack: process ")
    assert "(since noon) is measuring on this machine" in line
    assert not (tmp_path / "results").exists()


def test_the_command_names_shapes_that_it_does_not_know(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--shapes", "nonsense", "--results", str(tmp_path)]) == 4
    assert "nonsense" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
