"""Plugins loaded in a process of their own: what they declare, and each way in which loading can end."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import runaways

from pointwise_bench.backends.registry import LoadingFailed, Source, UnknownPluginError
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.worker import plugin_loading, process
from pointwise_bench.suites.harness.worker.plugin_loading import declarations

TWO = """
from pointwise_bench import Backend, register

@register
class First(Backend):
    name = "first-in-tests"
    device = "accelerator"
    output = "reused"
    dtypes = ("float32", "float64")
    def prepare(self, problem, weight, bias, threads): ...

@register
class Second(Backend):
    name = "second-in-tests"
    def prepare(self, problem, weight, bias, threads): ...
"""


def plugin(tmp_path: Path, text: str) -> Source:
    path = tmp_path / "a_plugin_of_tests.py"
    path.write_text(text)
    return Source("plugin", str(path))


def test_every_backend_is_declared_with_what_the_class_says(tmp_path: Path) -> None:
    first, second = declarations(plugin(tmp_path, TWO))
    assert (first.name, first.device, first.output) == ("first-in-tests", "accelerator", "reused")
    assert (second.name, second.device, second.output) == ("second-in-tests", "cpu", "fresh")
    assert "a_plugin_of_tests" not in sys.modules


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import no_such_package_anywhere", "No module named 'no_such_package_anywhere'"),
        ("x = (", "SyntaxError"),
        ("import os; os._exit(0)", "failed to load: import: left with exit code 0"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "failed to load: import: killed by SIGSEGV"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("class Odd(BaseException):\n    def __str__(self): raise Odd\nraise Odd", "Odd"),
    ],
)
def test_a_plugin_that_fails_says_how(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(LoadingFailed) as caught:
        declarations(plugin(tmp_path, text))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_version_of_a_built_in_is_imported_with_what_it_shares(tmp_path: Path) -> None:
    """Its helper too: the contract alone is that of the version which measures."""
    (tmp_path / "_shared").mkdir()
    (tmp_path / "_shared" / "__init__.py").touch()
    (tmp_path / "_shared" / "of_before.py").write_text('NAME = "named-in-a-helper"')
    helped = "from pointwise_bench.backends._shared.of_before import NAME\n" + TWO.replace('"second-in-tests"', "NAME")
    (tmp_path / "numpy_matmul.py").write_text(helped)
    location = "pointwise_bench.backends.numpy_matmul"
    found = declarations(Source("built-in", location, code=str(tmp_path), suffix="-before"))
    assert [each.name for each in found] == ["first-in-tests-before", "named-in-a-helper-before"]


def test_another_version_of_a_module_comes_before_what_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, text in (("here", "raise SystemExit"), ("there", TWO)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a_module_of_tests.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path / "here")
    there = Source("plugin", "a_module_of_tests", code=str(tmp_path / "there"))
    assert [each.name for each in declarations(there)] == ["first-in-tests", "second-in-tests"]


def test_one_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin_loading, "LOADING_S", 1.0)
    with pytest.raises(LoadingFailed, match="failed to load: import: no answer within 1 s"):
        declarations(plugin(tmp_path, "import time; time.sleep(1000)"))


def test_a_module_that_does_not_exist_is_a_mistake_and_no_failure() -> None:
    with pytest.raises(UnknownPluginError, match="no_such_module_anywhere"):
        declarations(Source("plugin", "no_such_module_anywhere"))


class Answers:
    """A child process that answers the one request with anything at all."""

    answer: Any = None
    killed = 0

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        pass

    def ask(self, message: dict[str, Any], timeout_s: float) -> tuple[Any, list[int]]:
        """As it was told to."""
        return type(self).answer, []

    def garbled(self, request: str, what: str) -> Any:
        """What the real one raises."""
        return Ended("crashed", f"{request}: garbled: {what}", alive=False)

    def kill(self) -> None:
        """Counts."""
        type(self).killed += 1


@pytest.mark.parametrize("answer", [{}, 5, None, {"declared": 5}, {"declared": [{"nonsense": 1}]}, {"declared": [5]}])
def test_an_answer_that_no_loader_sent_is_a_failure_too(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    monkeypatch.setattr(process, "ChildProcess", Answers)
    monkeypatch.setattr(Answers, "answer", answer)
    before = Answers.killed
    with pytest.raises(LoadingFailed, match="garbled"):
        declarations(Source("plugin", "x.py"))
    assert Answers.killed == before + 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tell who has left everything")
@pytest.mark.parametrize("text", [runaways.NAMELESS_DAEMON, runaways.NAMELESS_HYDRA], ids=["a daemon", "a chain"])
def test_what_an_import_leaves_is_killed_whatever_it_has_given_up(tmp_path: Path, text: str) -> None:
    word = f"left-by-an-import-{os.getpid()}"
    assert len(declarations(plugin(tmp_path, f"{text.replace('WORD', word)}\n{TWO}"))) == 2
    assert runaways.none_is_named(word)
