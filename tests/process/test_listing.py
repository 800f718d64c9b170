"""``pointwise-bench backends``: plugins of any kind are listed by name; none ends the list, or speaks in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from suite_command import suite_environment

PLUGIN = """
import os, sys
from pointwise_bench import Backend, register

{at_import}

@register
class Mine(Backend):
    name = "mine"

    def missing(self):
        {asked}

    def prepare(self, problem, weight, bias, threads):
        return lambda x: x
"""


def listed(
    folder: Path, at_import: str = "", asked: str = "return None"
) -> tuple[subprocess.CompletedProcess[str], str]:
    """The command with such a plugin, and the plugin's line."""
    path = folder / "mine.py"
    path.write_text(PLUGIN.format(at_import=at_import, asked=asked))
    done = subprocess.run(
        [sys.executable, "-m", "pointwise_bench", "backends", "--plugin", str(path)],
        cwd=folder,
        env=suite_environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("mine ")]
    return done, line


@pytest.mark.parametrize(
    ("at_import", "asked", "says"),
    [
        ("", "return None", "usable"),
        ("", "return 'a licence'", "unavailable: a licence"),
        ("", "return 5", "unavailable: missing: TypeError: missing() returned int 5"),
        ("os._exit(0)", "", "unavailable: failed to load: import: left with exit code 0"),
        ("", "os._exit(0)", "unavailable: missing: left with exit code 0"),
        ("raise ValueError('\\x1b[31mred')", "", "unavailable: failed to load: ValueError: [31mred (mine.py:5)"),
        ("print('\\x1b[31m' * 99)", "return '\\x1b[31mred'", "unavailable: [31mred"),
        (
            "import signal",
            "raise KeyboardInterrupt",
            "unavailable: missing: KeyboardInterrupt",
        ),
    ],
)
def test_a_plugin_is_a_line_whatever_it_does(at_import: str, asked: str, says: str, tmp_path: Path) -> None:
    done, line = listed(tmp_path, at_import, asked or "pass")
    assert done.returncode == 0, done.stderr
    assert f"  {says}" in line
    assert "\x1b" not in done.stdout + done.stderr
    assert " backends are usable here." in done.stdout


def test_without_plugins_no_process_is_started(tmp_path: Path) -> None:
    """Nor is NumPy imported for the list itself; what a backend imports to find out what it lacks is its own."""
    program = (
        "import sys; from pointwise_bench import listing\n"
        "assert not {'numpy', 'pointwise_bench.suites.harness.worker.client'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=suite_environment(), check=True)


def test_a_reader_that_has_gone_is_no_traceback(tmp_path: Path) -> None:
    """As ``| head`` is, once it has its lines."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "pointwise_bench", "backends"]
    try:
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=suite_environment(),
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")
