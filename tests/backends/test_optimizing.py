"""Whole models for real: made, optimised, held to themselves and timed, in processes that leave nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import make_onnx
import numpy as np
import pytest
from places import ROOT

from pointwise_bench.optimizing import onnx_process
from pointwise_bench.optimizing.onnx_process import NoOnnxRuntime, OnnxProcess
from pointwise_bench.report.analysis.collections.timed_models import shown
from pointwise_bench.report.reading.timed_models import read_timed_models

torch: Any = pytest.importorskip("torch", reason="needs torch")

MODULE = """
import torch
from torch import nn
def make():
    return nn.Sequential(nn.Conv2d(3, 16, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 8, 1))
class Drawn(nn.Module):
    def forward(self, x):
        return torch.rand(3)
class Broken(nn.Module):
    def forward(self, x):
        raise RuntimeError("planted")
def ends():
    import os
    os._exit(7)
"""


def command(folder: Path, model: str, *further: str) -> subprocess.CompletedProcess[str]:
    """``pointwise-bench optimize`` in a folder with ``planted.py``; the quickest that it can be."""
    (folder / "planted.py").write_text(MODULE)
    words = ["--input", "1x3x12x12", "--starts", "1", "--seconds", "0.05", "--threads", "1"]
    words += ["--skip", "torch.compile", *further]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    program = [sys.executable, "-m", "pointwise_bench", "optimize", model, *words]
    return subprocess.run(program, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_small_model_is_measured_kept_and_told(tmp_path: Path) -> None:
    done = command(tmp_path, "planted:make", "--skip", "onnxruntime")
    assert done.returncode == 0, done.stderr
    (file,) = tmp_path.glob("results/*/models.json")
    ((found,), defects) = read_timed_models(file.parent, file.parent.name)
    assert defects == ()
    assert (found.model, found.input, len(found.start)) == ("planted:make", (1, 3, 12, 12), 6)
    assert [layer.name for layer in found.layers] in ([], ["0", "3"])  # none are told where nothing could be traced
    assert found.ways["optimised"].differs is not None
    assert found.ways["optimised"].differs < 1e-5
    assert shown(found).verdict in done.stdout
    assert "torch.compile  " in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("model", "code", "said"),
    [
        ("planted:Drawn", 4, "gives other results each time"),
        ("planted:Broken", 4, "cannot be called: RuntimeError: planted"),
        ("planted:nothing", 4, "has no nothing"),
        ("planted:ends", 1, "its process ended with exit code 7"),
        ("planted.py", 4, "is no module of PyTorch"),
    ],
)
def test_a_model_that_cannot_be_measured_is_one_line(model: str, code: int, said: str, tmp_path: Path) -> None:
    done = command(tmp_path, model, "--skip", "onnxruntime")
    assert done.returncode == code
    *progress, line = done.stderr.splitlines()
    # What its name alone shows is refused before.
    assert [one.endswith("start 1 of 1") for one in progress] == ([] if model == "planted.py" else [True])
    assert line.startswith("pointwise-bench optimize: ")
    assert said in line
    assert not (tmp_path / "results").exists()


# --- results that are not the model's -----------------------------------------------------------------------------


def test_who_computes_something_else_has_no_time() -> None:
    from pointwise_bench.optimizing.contestants import Contestants
    from pointwise_bench.torch import Report

    found, right = Contestants(Report(True, "planted")), torch.arange(12.0)
    for name, reached in {
        "same": right + 1e-6,
        "other": right * 1.01,
        "shape": right[:3],
        "nan": right * float("nan"),
        "two": (right, right),
    }.items():
        found.admit(name, lambda calls: 1.0, reached, right)
    assert set(found.timed) == {"same"}
    assert found.differ["same"] == pytest.approx(1e-6 / 11, rel=0.1)
    assert "differ by 1.0e-02 of the largest" in found.wrong["other"]
    assert set(found.wrong) == {"other", "shape", "nan", "two"}


# --- ONNX Runtime -------------------------------------------------------------------------------------------------


def _written(content: bytes) -> Any:
    def export(model: Any, x: Any, file: Path) -> None:
        file.write_bytes(content)

    return export


def _state(process: OnnxProcess) -> str:
    return Path(f"/proc/{process._process.pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_onnx_runtime_is_stopped_while_it_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    relu = make_onnx.model([make_onnx.node("Relu", ["x"], ["y"])], [], {"x": [1, 3]})
    relu += make_onnx.message((8, make_onnx.message((2, 13))))  # a set of operators, which onnxruntime asks for
    monkeypatch.setattr(onnx_process, "_export", _written(relu))
    process = OnnxProcess(None, torch.tensor([[-1.0, 2.0, -3.0]]), 1, tmp_path)
    try:
        assert _state(process) in "Tt"
        assert np.array_equal(process.results()[0].numpy(), [[0, 2, 0]])
        assert 0 < process(3) < 60
        assert _state(process) in "Tt"
    finally:
        process.close()


def test_what_onnx_runtime_cannot_load_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    monkeypatch.setattr(onnx_process, "_export", _written(b"no model"))
    with pytest.raises(NoOnnxRuntime) as ended:
        OnnxProcess(None, torch.zeros(1, 3), 1, tmp_path)
    assert "\n" not in str(ended.value)
    assert len(str(ended.value)) > 20
