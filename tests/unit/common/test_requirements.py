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
from pointwise_bench.common.requirements import DEPENDENCIES, NotInstalled, first_missing, remedy_of, require_all

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


def test_all_that_is_missing_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    require_all()
    monkeypatch.setattr(requirements, "find_spec", lambda name: None if name in ("psutil", "numba") else object())
    with pytest.raises(NotInstalled) as caught:
        require_all()
    assert remedy_of(caught.value) == "psutil and numba are not installed: pip install psutil numba"


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
        ("pytest_benchmark", ("run", "--shapes", "basics")),
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


@pytest.mark.parametrize("package", ["pytest_benchmark", "psutil"])
def test_pytest_says_it_in_one_line(package: str, tmp_path: Path) -> None:
    """As ``tox run -e bench`` calls it: of an absent pytest-benchmark it had said that its options are unknown."""
    (tmp_path / "sitecustomize.py").write_text(ABSENT.format(name=package))
    # No plugin is loaded by its entry point: one that is not installed has none.
    ours = ("-p", "pointwise_bench.suites.entry_point", "-c", str(ROOT / "suites" / "run.ini"))
    done = run(tmp_path, *ours, str(ROOT / "suites"), "--benchmark-only", "--time-budget", "10m", module="pytest")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    said = (done.stdout + done.stderr).strip().splitlines()
    assert said == [f"ERROR: {package} is not installed: pip install {package}"]


@pytest.mark.parametrize("words", [("--help",), ("run", "--help"), ("demo", "--help"), ("backends",)])
def test_help_and_lists_need_none_of_it(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("".join(ABSENT.format(name=name) for name in ("psutil", "matplotlib")))
    done = run(tmp_path, *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def run(folder: Path, *words: str, module: str = "pointwise_bench") -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(folder), str(ROOT / "src")])
    return subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
