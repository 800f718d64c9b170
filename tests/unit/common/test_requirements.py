"""What is required, and the line that is said where it is missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from places import ROOT

from pointwise_bench.common import requirements
from pointwise_bench.common.requirements import DEPENDENCIES, first_missing, remedy_of

# Put before everything else on the import path, makes a package look as if it were not installed.
ABSENT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {name!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
"""


def test_the_names_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {re.split(r"[^\w-]", each)[0].replace("-", "_") for each in project["dependencies"]} == set(DEPENDENCIES)


def test_all_is_there_or_what_is_missing_is_said_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    assert first_missing() is None
    monkeypatch.setattr(requirements, "find_spec", lambda name: None if name in ("psutil", "numba") else object())
    assert first_missing() == "psutil and numba are not installed: pip install psutil numba"


def test_an_import_that_fails_is_told_from_a_mistake() -> None:
    sentence = "matplotlib is not installed: pip install matplotlib"
    assert remedy_of(ModuleNotFoundError("", name="matplotlib.figure")) == sentence
    for name in ("pointwise_bench.nonsense", "tensorflow", None):
        assert remedy_of(ModuleNotFoundError("", name=name)) is None


@pytest.mark.parametrize(
    ("package", "words"),
    [
        ("matplotlib", ("demo", "--out", "picture")),
        ("psutil", ("run", "--shapes", "basics")),
        ("jinja2", ("report", "run")),
        ("numpy", ("demo", "--out", "picture")),
    ],
)
def test_a_command_says_it_in_one_line(package: str, words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(ABSENT.format(name=package))
    done = run(tmp_path, *words)
    assert done.returncode in (1, 4), done.stderr
    said = (done.stdout + done.stderr).strip().splitlines()
    assert len(said) == 1, said
    assert said[0].endswith(f"{package} is not installed: pip install {package}")


@pytest.mark.parametrize("words", [("--help",), ("run", "--help"), ("demo", "--help"), ("backends",)])
def test_help_and_lists_need_none_of_it(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("".join(ABSENT.format(name=name) for name in ("psutil", "matplotlib")))
    done = run(tmp_path, *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(folder), str(ROOT / "src")])
    return subprocess.run(
        [sys.executable, "-m", "pointwise_bench", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
