"""Tests that must be alone are found where only files that write the mark out are collected (tests/conftest.py)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from places import ROOT

HOLDS = "import pytest\n\n\n@pytest.mark.alone\ndef test_this() -> None: ...\n\n\ndef test_other() -> None: ...\n"


def test_the_mark_is_written_out_wherever_it_is_used() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        text = path.read_text()
        assert len(re.findall(r"\bmark\.alone\b", text)) == len(re.findall(r"\bpytest\.mark\.alone\b", text)), path
        assert not re.search(r"\bfrom pytest import .*\bmark\b", text), path


def test_files_without_it_are_not_even_imported(tmp_path: Path) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (folder / "test_holds.py").write_text(HOLDS)
    (folder / "test_lacks.py").write_text("raise RuntimeError('imported')\n")
    command = [sys.executable, "-m", "pytest", "-q", "-c", str(ROOT / "pyproject.toml"), "-p", "no:cacheprovider"]
    for marks, code in (("alone", 0), ("not alone", 2)):
        done = subprocess.run(
            [*command, "--rootdir", str(tmp_path), str(folder), "-m", marks, "--collect-only"],
            cwd=tmp_path,
            env=os.environ
            | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # nothing is asked of plugins, which take a second
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert ("test_holds.py::test_this" in done.stdout) == (marks == "alone")
