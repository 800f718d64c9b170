"""``pointwise-bench optimize``: what it prints, keeps and ends with, over starts that are played."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pointwise_bench.common.formats import MODEL_WAYS, MOST_ROUNDS_OF_A_CELL
from pointwise_bench.optimizing import onnx_process, starts
from pointwise_bench.optimizing.command import MOST, STARTS, main
from pointwise_bench.optimizing.turns import FEWEST_ROUNDS
from pointwise_bench.suites.harness.record.locks import Lock, machine_lock

pytest.importorskip("torch", reason="it asks whether torch is there")


def played(monkeypatch: pytest.MonkeyPatch, **changed: Any) -> None:
    """Each start has six rounds, the optimised model 2 ms and all others 3 ms."""

    def one_start(asked: starts.AskedModel) -> dict[str, Any]:
        ways: dict[str, Any] = {
            name: {"status": "ok", "samples_s": [2e-3 if name == "optimised" else 3e-3] * 6, "differs": 0.0}
            for name in MODEL_WAYS
        }
        layer: dict[str, Any] = {"name": "head", "way": "oneDNN", "why": "oneDNN 1 us", "activation": "relu"}
        layer |= {"with_norm": False, "with_scale": False, "with_add": False}
        ways |= {name: {"status": "unavailable", "reason": "not asked for"} for name in asked.skipped} | changed
        return {"input": [1, 3], "used": True, "why": "", "layers": [layer], "ways": ways}

    monkeypatch.setattr(starts, "one_start", one_start)
    monkeypatch.setattr(onnx_process, "PACKAGES", ())


def test_a_line_for_each_way_the_verdict_and_the_layers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    played(monkeypatch)
    words = ["m:make", "--input", "1x3", "--threads", "2", "--results", str(tmp_path), "--skip", "torch.compile"]
    assert main(words) == 0
    said = capsys.readouterr()
    assert "as it was           3.00 ms  1.50× [1.50, 1.50]" in said.out  # noqa: RUF001
    assert "torch.compile       not here: not asked for\n" in said.out
    assert "Optimised it is 1.50× [1.50, 1.50] as fast as it was" in said.out  # noqa: RUF001
    assert "1 layer: 1 by oneDNN\n  head with relu: oneDNN (oneDNN 1 us)" in said.out
    assert said.err.splitlines() == [f"m:make, 2 threads: start {number} of 3" for number in (1, 2, 3)]
    assert list(tmp_path.glob("*/models.json"))


def test_results_that_are_not_the_models_end_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    played(monkeypatch, optimised={"status": "wrong", "reason": "its results differ by 1e-1 of the largest"})
    assert main(["m:make", "--input", "1x3", "--threads", "1", "--results", str(tmp_path)]) == 1
    assert "its results differ by 1e-1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "the following arguments are required: MODEL"),
        (["m:make", "--threads", "0"], "'0' is not a whole number"),
        (["m:make", "--seconds", "nan"], "'nan' is not a number of seconds"),
        (["m:make", "--skip", "jax"], "invalid choice"),
    ],
)
def test_bad_usage_is_one_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("pointwise-bench optimize: ")
    assert said in line


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("model.onnx", "'model.onnx' is no module of PyTorch: name package.module:factory"),
        ("m:make", "m:make: the shape of its input is not known: give --input"),
    ],
)
def test_what_is_no_module_by_its_name_is_refused_before_any_start(
    model: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    played(monkeypatch)
    assert main([model]) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


@pytest.mark.parametrize(
    ("packages", "said"),
    [
        (("json", "no_such_a"), ["note: without ONNX Runtime, as no_such_a is not installed: pip install no_such_a"]),
        (
            ("no_such_a", "no_such_b"),
            [
                "note: without ONNX Runtime, as no_such_a and no_such_b are not installed:"
                " pip install no_such_a no_such_b"
            ],
        ),
        (("json",), []),
    ],
)
def test_what_onnx_runtime_lacks_is_said_before_the_first_start(
    packages: tuple[str, ...],
    said: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    played(monkeypatch)
    monkeypatch.setattr(onnx_process, "PACKAGES", packages)
    words = ["m:make", "--input", "1x3", "--threads", "1", "--starts", "1", "--results", str(tmp_path)]
    assert main(words) == 0
    assert capsys.readouterr().err.splitlines() == [*said, "m:make, 1 thread: start 1 of 1"]
    assert main([*words, "--skip", "onnxruntime"]) == 0
    assert capsys.readouterr().err.splitlines() == ["m:make, 1 thread: start 1 of 1"]


def test_bad_input_is_one_line_and_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["m:make", "--input", "1x", "--results", str(tmp_path)]) == 4
    assert "--input '1x' does not read like" in capsys.readouterr().err

    def refused(asked: starts.AskedModel) -> dict[str, Any]:
        raise starts.BadModel("no such\nmodel")

    monkeypatch.setattr(starts, "one_start", refused)
    assert main(["m:make", "--input", "1x3", "--results", str(tmp_path)]) == 4
    assert capsys.readouterr().err.splitlines()[-1] == "pointwise-bench optimize: no such model"
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    played(monkeypatch)
    (tmp_path / "file").write_text("")
    assert main(["m:make", "--input", "1x3", "--threads", "1", "--results", str(tmp_path / "file")]) == 4
    assert "name another place to write to with --results" in capsys.readouterr().err


def test_no_more_rounds_are_asked_for_than_a_report_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all starts together, and of each as many as its own sign test takes."""
    asked_for: list[int] = []

    def one_start(asked: starts.AskedModel) -> dict[str, Any]:
        asked_for.append(asked.rounds)
        raise starts.NoStart("enough")

    monkeypatch.setattr(starts, "one_start", one_start)
    monkeypatch.setattr(onnx_process, "PACKAGES", ())
    for count in (STARTS, MOST):
        words = ["m:make", "--input", "1x3", "--starts", str(count), "--seconds", "3600", "--results", str(tmp_path)]
        assert main(words) == 1
    assert STARTS * asked_for[0] <= MOST_ROUNDS_OF_A_CELL
    assert MOST * asked_for[1] <= MOST_ROUNDS_OF_A_CELL
    assert min(asked_for) >= FEWEST_ROUNDS


def test_what_a_report_leaves_out_is_one_line_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    played(monkeypatch)
    words = [f"m:{'a' * 300}", "--input", "1x3", "--threads", "1", "--starts", "1", "--results", str(tmp_path)]
    assert main(words) == 1
    (_, defect, last) = capsys.readouterr().err.splitlines()
    assert defect.startswith("note: models.json beside the run: models[0].model is ")
    assert last.endswith("models.json: holds what was measured, and a report leaves it out")


def test_beside_another_that_measures_on_this_machine_it_ends_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    played(monkeypatch)
    words = ["m:make", "--input", "1x3", "--threads", "1", "--results", str(tmp_path)]
    other = Lock.take(machine_lock(), "since noon")
    try:
        assert main(words) == 4
    finally:
        other.release()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("pointwise-bench optimize: process ")
    assert "(since noon) is measuring on this machine" in line
    assert main(words) == 0
