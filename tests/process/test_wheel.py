"""The project as it is installed from a wheel: nothing of the checkout is missing, and it runs in an empty folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT
from suite_command import suite_environment

FOLDERS = ("backends", "suites", "report")
DATA = (".py", ".toml", ".csv", ".ini", ".html", ".css", ".js", ".md", ".j2", ".svg")


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel installs, built of a copy, since building leaves files beside the source."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("src", *FOLDERS):
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    command = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--no-build-isolation"]
    command += ["--disable-pip-version-check", "--target", str(folder / "packages"), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "packages"


def said_by(packages: Path, folder: Path, *words: str) -> str:
    """What the command prints in an empty folder, with the installed packages and nothing of the checkout."""
    done = subprocess.run(
        [sys.executable, "-m", "pointwise_bench", *words],
        cwd=folder,
        env=suite_environment() | {"PYTHONPATH": str(packages), "POINTWISE_BENCH_MACHINE_LOCK": str(folder / "lock")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_file_of_the_checkout_is_missing(packages: Path, folder: Path) -> None:
    """Planted mistakes, attacks, layers and templates above all, which nothing imports."""
    ours = {path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.suffix in DATA}
    installed = {path.relative_to(packages / "pointwise_bench") for path in (packages / "pointwise_bench").rglob("*")}
    assert sorted(map(str, ours - installed)) == []


def test_what_is_installed_runs_without_the_checkout(packages: Path, tmp_path: Path) -> None:
    where = "import pointwise_bench; print(pointwise_bench.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", where], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(packages)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert Path(done.stdout.strip()).is_relative_to(packages)
    assert "mobilenet_v2" in said_by(packages, tmp_path, "suites")
    assert "--kind" in said_by(packages, tmp_path, "attack", "--help")
    said = said_by(
        packages, tmp_path, "run", "--shapes", "n1c8h4w4-o8", "--backend", "numpy-matmul", "--time-budget", "30s"
    )  # fmt: skip
    assert "1 ok" in said
    assert (tmp_path / "results").is_dir()
