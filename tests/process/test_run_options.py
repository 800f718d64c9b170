"""An option that ``pointwise-bench run`` does not have, asked of the command itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--shape", "basics"], "ERROR: there is no option --shape, the nearest is --shapes; "),
        (["--benchmark-jsn=file"], "ERROR: there is no option --benchmark-jsn; "),
    ],
)
def test_it_is_one_line_and_exit_code_4(words: list[str], said: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pointwise_bench", "run", *words]
    ended = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 4
    assert ended.stdout + ended.stderr.strip() == f"{said}see pointwise-bench run --help"
    assert list(tmp_path.iterdir()) == []
