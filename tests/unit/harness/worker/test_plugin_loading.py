"""What a plugin's own process answers becomes declarations or one sentence. The process is scripted here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pointwise_bench.backends.registry import Declaration, LoadingFailed, Source, UnknownPluginError
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.worker import process as process_module
from pointwise_bench.suites.harness.worker.plugin_loading import LOADING_S, declarations

SOURCE = Source("plugin", "mine.py")
GOOD: dict[str, Any] = vars(Declaration("mine", "cpu", "fresh", "own", "a_module", None))


FORGED: list[dict[str, Any]] = [
    *({"name": name} for name in ("../../escaped", "x\n<img>", "x" * 65, "", "a--b", 5, None, ["x"])),
    *({"device": "<b>npu</b>"}, {"output": "stale"}, {"arithmetic": "x" * 33}),
]


class ScriptedProcess:
    """A process that gives one answer, or ends; ``killed`` counts how often it was."""

    answer: Any = None
    killed = 0
    logs: list[Path]

    def __init__(self, module: str, start: dict[str, Any], threads: int, log: Path, python: str, *, kept: bool) -> None:
        assert module == "pointwise_bench.suites.harness.worker.plugin_loading"
        source = Source(**start["source"])
        assert (replace(source, suffix="", python=""), threads) == (SOURCE, 1)
        assert python == source.python
        assert kept is not bool(python)
        type(self).logs.append(log.parent)
        assert log.parent.is_dir()

    def ask(self, request: dict[str, Any], timeout_s: float) -> tuple[Any, None]:
        """The answer."""
        assert (request, timeout_s) == ({"do": "import"}, LOADING_S)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer, None

    def garbled(self, asked: str, what: str) -> Any:
        """What a real process says of an answer that is none."""
        return SimpleNamespace(reason=f"no answer to {asked}: {what}")

    def kill(self) -> None:
        """Once."""
        type(self).killed += 1


@pytest.fixture(autouse=True)
def scripted(monkeypatch: pytest.MonkeyPatch) -> type[ScriptedProcess]:
    monkeypatch.setattr(process_module, "ChildProcess", ScriptedProcess)
    monkeypatch.setattr(ScriptedProcess, "killed", 0)
    monkeypatch.setattr(ScriptedProcess, "logs", [], raising=False)
    return ScriptedProcess


def test_what_it_declares_is_told_and_its_process_ends(scripted: type[ScriptedProcess]) -> None:
    told = [Declaration("mine", "cpu", "fresh", "own", "a_module", None, "mine.py:3")]
    scripted.answer = {"declared": [vars(told[0])]}
    assert declarations(SOURCE) == told
    assert scripted.killed == 1
    assert not any(folder.exists() for folder in scripted.logs)


def test_another_version_is_asked_in_its_environment_and_its_names_end_otherwise(
    scripted: type[ScriptedProcess],
) -> None:
    scripted.answer = {"declared": [GOOD]}
    (told,) = declarations(replace(SOURCE, suffix="-before", python="elsewhere/bin/python"))
    assert told.name == "mine-before"


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ({"unknown": "there is no such module"}, UnknownPluginError, "^there is no such module$"),
        ({"failed": "failed to load: ValueError"}, LoadingFailed, "^failed to load: ValueError$"),
        (Ended("crashed", "killed by SIGSEGV"), LoadingFailed, "^failed to load: killed by SIGSEGV$"),
        ({}, LoadingFailed, "^failed to load: no answer to import: 'declared'$"),
        ({"declared": [{"color": 1}]}, LoadingFailed, "^failed to load: no answer to import: .*color"),
        (5, LoadingFailed, "^failed to load: no answer to import: "),
        ({"failed": 5}, LoadingFailed, "^failed to load: no answer to import: "),
        ({"unknown": None}, LoadingFailed, "^failed to load: no answer to import: "),
        ({"failed": "a\n\x1b[31mb"}, LoadingFailed, r"^a \[31mb$"),
        *(
            ({"declared": [GOOD | change]}, LoadingFailed, "^failed to load: no answer to import: the class")
            for change in FORGED
        ),
        ({"declared": [GOOD | {"module": 5}]}, LoadingFailed, "^failed to load: no answer to import: declares what"),
        ({"declared": [GOOD] * 1001}, LoadingFailed, "^failed to load: no answer to import: 1001 backends"),
    ],
)
def test_whatever_goes_wrong_is_one_sentence_and_its_process_ends(
    scripted: type[ScriptedProcess], answer: Any, error: type[Exception], said: str
) -> None:
    scripted.answer = answer
    with pytest.raises(error, match=said):
        declarations(SOURCE)
    assert scripted.killed == 1
