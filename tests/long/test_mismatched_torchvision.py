"""A torchvision that does not fit PyTorch: planted, as its import ends at the first operator that it describes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="its operators are PyTorch's")

MODEL = """
import torch
import torchvision

def make():
    return torch.nn.Conv2d(3, 4, 1)
"""


def planted(folder: Path, *operators: str) -> None:
    """A torchvision that describes these operators and has none of them."""
    described = "".join(
        f"\n@torch.library.register_fake('torchvision::{name}')\ndef _(a, b, c): ...\n" for name in operators
    )
    (folder / "torchvision").mkdir()
    (folder / "torchvision/__init__.py").write_text(f"import torch\n{described}")
    (folder / "mine.py").write_text(MODEL)


def harvest(folder: Path, model: str) -> subprocess.CompletedProcess[str]:
    """The command, on a model of a file that lies beside torchvision."""
    command = [sys.executable, "-m", "pointwise_bench", "harvest", model, "--input", "1x3x4x4", "--out", "layers.toml"]
    return subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, timeout=120)


def test_models_of_layers_alone_do_without_its_operators_and_the_remedy_is_told(tmp_path: Path) -> None:
    import torch

    planted(tmp_path, "nms", "qnms")
    done = harvest(tmp_path, "mine:make")
    assert done.returncode == 0, done.stderr
    (note,) = done.stderr.splitlines()
    assert note.startswith(f"note: torchvision's compiled operators do not load beside torch {torch.__version__}: ")
    assert "pip install --force-reinstall torch torchvision --index-url " in note
    assert (tmp_path / "layers.toml").exists()


def test_another_release_that_describes_others_is_refused_with_the_remedy(tmp_path: Path) -> None:
    planted(tmp_path, "nms", "later")
    done = harvest(tmp_path, "mine:make")
    assert done.returncode != 0
    (line,) = done.stderr.splitlines()
    assert "pip install --force-reinstall torch torchvision" in line
    assert "(operator torchvision::later does not exist)" in line
