"""The package of docs/example_plugin, installed by pip: listed, verified and timed with no other edit."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from places import ROOT
from suite_command import SMALL, only_run, read_cells, run_suite, suite_environment

EXAMPLE = ROOT / "docs" / "example_plugin"
MODULE = EXAMPLE / "pointwise_example.py"
NAME = "example-tensordot"
EVERY_AXIS = "n2c6h5w7-o4-s2-bias-relu-nhwc"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed package, beside this environment's own packages."""
    folder = tmp_path_factory.mktemp("installed")
    source = shutil.copytree(EXAMPLE, folder / "source")  # building leaves files beside the source
    command = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--no-build-isolation"]
    command += ["--disable-pip-version-check", "--target", str(folder / "packages"), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "packages"


def assert_timed_like_any_other(cells: list[dict[str, Any]]) -> None:
    assert {cell["problem"] for cell in cells} == {SMALL, EVERY_AXIS}
    for cell in cells:
        assert cell["backend"] == NAME
        assert cell["status"] == "ok", cell["reason"]
        assert 0 <= cell["error_ratio"] < 1
        assert len(cell["samples_s"]) >= 5


def test_once_installed_it_is_listed_with_its_source(installed: Path) -> None:
    program = "import json; from pointwise_bench.backends import names, registry; "
    program += f"print(json.dumps([{NAME!r} in names(), vars(registry.source({NAME!r}))]))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=installed,
        env=suite_environment(installed),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    usable, source = json.loads(done.stdout)
    assert usable is True
    assert (source["kind"], source["location"]) == ("entry-point", NAME)


def test_once_installed_it_is_examined_and_timed(installed: Path, tmp_path: Path) -> None:
    done = run_suite(
        tmp_path / "results",
        *("-p", "single_start"),
        "--backend",
        "example-*",
        "--shapes",
        SMALL,
        "--shapes",
        EVERY_AXIS,
        import_path=(installed,),
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert_timed_like_any_other(read_cells(tmp_path / "results"))
    run = json.loads((only_run(tmp_path / "results") / "run.json").read_text())
    assert run["environment"]["packages"]["pointwise-example"] == "0.1.0"


def test_the_same_module_runs_by_its_path(tmp_path: Path) -> None:
    done = run_suite(
        tmp_path / "results",
        *("-p", "single_start"),
        "--plugin",
        str(MODULE),
        "--backend",
        "example-*",
        "--shapes",
        SMALL,
        "--shapes",
        EVERY_AXIS,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert_timed_like_any_other(read_cells(tmp_path / "results"))


def test_without_either_nobody_knows_it(tmp_path: Path) -> None:
    done = run_suite(tmp_path / "results", "--backend", NAME, "--shapes", SMALL)
    assert done.returncode == 4
    assert repr(NAME) in done.stdout + done.stderr
