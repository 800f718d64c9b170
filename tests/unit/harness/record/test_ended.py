"""Exceptions of backends, and messages of workers, as ends: which status, which words, and whether it serves on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pointwise_bench.common.status import NOT_OK, SURVIVED
from pointwise_bench.suites.harness.record.ended import HARNESS, Ended, Hurried, WrongAnswer, says_out_of_memory


def raised(error: BaseException) -> BaseException:
    """``error`` as it arrives: with the line of this file that raised it."""
    try:
        raise error
    except BaseException as arrived:
        return arrived


class UnspeakableError(Exception):
    """Its own text cannot be had."""

    def __str__(self) -> str:
        raise SystemExit(1)


def test_a_wrong_answer_is_wrong_keeps_its_error_and_serves_on() -> None:
    ended = Ended.because_of(raised(WrongAnswer("all\nzeros", 7.5)), "set_up")
    assert (ended.status, ended.reason, ended.error_ratio, ended.alive) == ("wrong", "all zeros", 7.5, True)


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (ValueError("no\nsuch layout"), "failed", "turn: ValueError: no such layout (test_ended.py:"),
        (ValueError(), "failed", "turn: ValueError: no message (test_ended.py:"),
        (SystemExit(3), "failed", "turn: SystemExit: 3 (test_ended.py:"),
        (UnspeakableError(), "failed", "turn: UnspeakableError: no message, its __str__ raised SystemExit (test_ended"),
        (MemoryError(), "out-of-memory", "turn: MemoryError: no message (test_ended.py:"),
        (RuntimeError("CUDA out of memory"), "out-of-memory", "turn: RuntimeError: CUDA out of memory (test_ended.py:"),
    ],
)
def test_any_other_exception_says_when_what_and_where_and_ends_the_process(
    error: BaseException, status: str, words: str
) -> None:
    ended = Ended.because_of(raised(error), "turn")
    assert (ended.status, ended.alive, ended.error_ratio) == (status, False, None)
    assert ended.reason.startswith(words)


def test_the_line_that_is_named_is_the_last_outside_the_harness_and_of_no_package(tmp_path: Path) -> None:
    """A plugin in somebody's own folder called harness is none of ours."""
    plugin, package, ours = "harness/plugin.py", "site-packages/torch.py", str(HARNESS / "verify" / "gate.py")
    files = {}
    for name, text in (
        (package, "def fail():\n    raise ValueError('deep')\n"),
        (plugin, "def layer(fail):\n\n    fail()\n"),
        (ours, "def call(layer, fail):\n    layer(fail)\n"),
    ):
        space: dict[str, Any] = {}
        exec(compile(text, str(tmp_path / name), "exec"), space)
        files[name] = space
    with pytest.raises(ValueError) as caught:
        files[ours]["call"](files[plugin]["layer"], files[package]["fail"])
    assert Ended.because_of(caught.value, "turn").reason == "turn: ValueError: deep (plugin.py:3)"


@pytest.mark.parametrize("status", NOT_OK)
def test_an_end_survives_the_way_from_a_worker(status: Any) -> None:
    """Three statuses leave a process of which one knows the state; after any other it is not asked again."""
    arrived = Ended.reported(Ended(status, "a reason", 2.0).report())
    assert (arrived.status, arrived.reason, arrived.error_ratio) == (status, "a reason", 2.0)
    assert arrived.alive == (status in SURVIVED)


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"status": "ok-ish", "reason": "", "error_ratio": None},
        {"status": "wrong", "reason": "", "error_ratio": "much"},
        {"status": "wrong", "reason": "", "error_ratio": []},
        {"status": ["wrong"], "reason": "", "error_ratio": None},
        {"status": "wrong", "error_ratio": None},
        {"status": "ok", "reason": "", "error_ratio": 0.1},  # a result without samples
        {"status": "failed", "reason": 5, "error_ratio": None},
        {"status": "failed", "reason": None, "error_ratio": None},
        {"status": "wrong", "reason": "", "error_ratio": -1.0},
        {"status": "wrong", "reason": "", "error_ratio": float("nan")},
        {"status": "wrong", "reason": "", "error_ratio": True},
    ],
)
def test_a_message_that_no_worker_sent_is_an_error(message: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Ended.reported(message)


@pytest.mark.parametrize("ratio", [float("inf"), 10**400, 1e301])
def test_an_error_beyond_all_numbers_is_no_number(ratio: float) -> None:
    """As that of a result with a NaN: it could not be written."""
    assert Ended.reported({"status": "wrong", "reason": "", "error_ratio": ratio}).error_ratio is None
    assert Ended.because_of(raised(WrongAnswer("NaN", float("inf"))), "set_up").error_ratio is None


def test_a_reported_reason_is_made_one_line() -> None:
    """The worker has done so too, if it was the worker that wrote."""
    assert Ended.reported({"status": "failed", "reason": "a\nb", "error_ratio": None}).reason == "a b"


def test_who_was_hurried_has_timed_out_and_the_reason_says_why() -> None:
    ended = Hurried("turn: no answer within 1 s")
    assert (ended.status, ended.alive) == ("timed-out", False)
    assert ended.reason == "turn: no answer within 1 s; more would not fit into the time budget"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("what():  std::bad_alloc", True),
        ("numpy._core._exceptions._ArrayMemoryError: Unable to allocate", True),
        ("Cannot allocate memory", True),
        ("mmap: can't allocate memory", True),
        ("Out Of Memory", True),
        ("memory access violation", False),
        ("Segmentation fault", False),
    ],
)
def test_the_words_of_libraries_that_got_no_memory_are_known(text: str, says: bool) -> None:
    assert says_out_of_memory(text) is says
