"""Tests that must be alone are found where only files that write the mark out are collected (tests/conftest.py)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from places import ROOT

HOLDS = "import pytest\n\n\n@pytest.mark.alone\ndef test_this() -> None: ...\n\n\ndef test_other() -> None: ...\n"

# In one process: half of the time of two is the importing of pytest.
COLLECT_TWICE = """
import sys, pytest
for marks in ("alone", "not alone"):
    code = pytest.main([*sys.argv[1:], "-m", marks])
    print(f"{marks} ended with {int(code)}", flush=True)
"""


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
    options = ["-q", "-c", str(ROOT / "pyproject.toml"), "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-c", COLLECT_TWICE, *options, str(folder), "--collect-only"],
        cwd=tmp_path,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # nothing is asked of plugins, which take a second
        capture_output=True,
        text=True,
        check=False,
    )
    ended = dict(re.findall(r"^(.*) ended with (\d)$", done.stdout, re.MULTILINE))
    assert ended == {"alone": "0", "not alone": "2"}, done.stdout + done.stderr
    alone, not_alone = done.stdout.split("alone ended with 0")
    assert "test_holds.py::test_this" in alone
    assert "test_holds.py::test_this" not in not_alone
    assert "RuntimeError: imported" in not_alone
