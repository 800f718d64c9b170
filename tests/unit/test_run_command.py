"""``pointwise-bench run``: what it asks of pytest, and what it does with what a session has left behind."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from make_onnx import model, node, weights

from pointwise_bench import run
from pointwise_bench.report.reading import value_readers
from pointwise_bench.suites import catalogue, pytest_plugin


def scripted(monkeypatch: pytest.MonkeyPatch, code: int, stash: dict[Any, Any]) -> list[Any]:
    """A pytest that measures nothing and leaves ``stash`` behind; what it and the report were asked."""
    asked: list[Any] = []

    def session(words: list[str], plugins: list[Any]) -> int:
        asked.append(words)
        plugins[-1].pytest_unconfigure(SimpleNamespace(stash=stash))
        return code

    def report(words: list[str], known: list[Any]) -> int:
        asked.append((words, known))
        return 0

    monkeypatch.setattr(pytest, "main", session)
    monkeypatch.setattr(run, "report", report)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return asked


@pytest.mark.parametrize(
    ("before", "kept", "after"), [(False, (), False), (False, ("0001.json",), True), (True, (), True)]
)
def test_it_leaves_no_folder_that_nobody_asked_for(
    before: bool, kept: tuple[str, ...], after: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """pytest-benchmark makes one as it begins; what lies in it, or lay there before, stays."""
    monkeypatch.chdir(tmp_path)
    scripted(monkeypatch, 0, {})
    session = pytest.main
    if before:
        Path(".benchmarks").mkdir()

    def storing(*words: Any, **more: Any) -> Any:
        Path(".benchmarks").mkdir(exist_ok=True)
        for name in kept:
            Path(".benchmarks", name).touch()
        return session(*words, **more)

    monkeypatch.setattr(pytest, "main", storing)
    run.main(["--shapes", "basics"])
    assert Path(".benchmarks").exists() == after


def test_progress_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes minutes; asked to be quiet, pytest would show no line before the last ones."""
    asked = scripted(monkeypatch, 0, {})
    assert run.main(["--shapes", "basics"]) == 0
    (words,) = asked
    assert not {"-q", "-qq", "--quiet"} & {*words}
    assert words[-2:] == ["--shapes", "basics"]


@pytest.mark.parametrize("code", [0, 1])
def test_the_report_takes_what_the_end_of_the_session_has_computed(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Whatever the session's exit code: a report is written of what could be measured."""
    session, analysis = SimpleNamespace(run_folder=SimpleNamespace(folder=Path("somewhere"))), object()
    asked = scripted(monkeypatch, code, {pytest_plugin.SESSION: session, pytest_plugin.ANALYSIS: analysis})
    assert run.main([]) == code
    assert asked[1] == (["somewhere"], [analysis])


def test_without_a_run_there_is_no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = scripted(monkeypatch, 4, {})
    assert run.main(["--no-such-option"]) == 4
    assert len(asked) == 1


@pytest.fixture
def file_of_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "my net.onnx"
    nodes = [node("Conv", ["x", "a.weight"], ["a"]), node("Relu", ["a"], ["y"])]
    path.write_bytes(model(nodes, [weights("a.weight", 4, 2, 1, 1)], {"x": ["n", 2, 5, 7]}))
    return path


def test_the_layers_of_a_model_are_left_in_a_file_and_selected(
    monkeypatch: pytest.MonkeyPatch, file_of_a_model: Path
) -> None:
    asked = scripted(monkeypatch, 0, {})
    for _ in range(2):  # over its own file it writes again
        assert run.main(["--threads", "1", f"--model={file_of_a_model}", "--dim", "n=3"]) == 0
        assert asked.pop()[-4:] == ["--threads", "1", "--shapes", "layers-of-my-net.onnx.toml"]
    (group,) = catalogue.select(["layers-of-my-net.onnx.toml"])
    assert [(layer.name, layer.problem.id) for layer in group.layers] == [("a", "n3c2h5w7-o4-relu")]


def test_a_name_that_no_file_could_have_is_cut(monkeypatch: pytest.MonkeyPatch, file_of_a_model: Path) -> None:
    """And has a digest behind it: two models that differ in their last letter do not share a file."""
    asked = scripted(monkeypatch, 0, {})
    files = []
    for last in "ab":
        file_of_a_model = file_of_a_model.rename(f"{'m' * 239}{last}.onnx")
        assert run.main(["--threads", "1", f"--model={file_of_a_model}", "--dim", "n=3"]) == 0
        files.append(asked.pop()[-1])
        assert re.fullmatch(f"layers-of-{'m' * 100}-[0-9a-f]{{8}}\\.toml", files[-1])
    assert len({*files}) == 2
    (group,) = catalogue.select(files[:1])
    assert group.model is not None
    assert value_readers.name()(group.model.title) == "m" * 200  # a report reads it


def test_a_model_that_cannot_be_harvested_measures_nothing(
    monkeypatch: pytest.MonkeyPatch, file_of_a_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = scripted(monkeypatch, 0, {})
    assert run.main(["--model", str(file_of_a_model)]) == 4
    assert capsys.readouterr().err == (
        "pointwise-bench run: my net.onnx: sizes of its inputs are left open: give --dim n=SIZE\n"
    )
    Path("layers-of-my-net.onnx.toml").write_text("mine")
    assert run.main(["--model", str(file_of_a_model), "--dim", "n=1"]) == 4
    assert "is there already and was not made by harvest" in capsys.readouterr().err
    assert asked == []
