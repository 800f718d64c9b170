"""A session that is a fork finds what one that was started finds, and ends as it does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from forked_session import ForkServer, forked

TELLS = """
import json, os, signal, sys
json.dump({
    "path": sys.path, "words": sys.argv, "folder": os.getcwd(), "read": sys.stdin.read(),
    "variables": {name: value for name, value in os.environ.items() if not name.startswith("LC_")},
    "interrupt": str(signal.getsignal(signal.SIGINT)), "child": str(signal.getsignal(signal.SIGCHLD)),
    "descriptors": sorted(int(name) for name in os.listdir("/proc/self/fd") if int(name) < 3),
    "ours": [name for name in sys.modules if name.startswith("pointwise_bench")],
}, sys.stdout)
print("an error", file=sys.stderr)
sys.exit(int(sys.argv[1]))
"""
PATIENCE_S = 60.0


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "tells.py").write_text(TELLS)
    (tmp_path / "hangs.py").write_text("import time\nprint('here', flush=True)\ntime.sleep(1000)")
    return {"PATH": os.environ["PATH"], "PYTHONPATH": f"{tmp_path}{os.pathsep}/nowhere", "ONE_MORE": "1"}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("code", [0, 3])
def test_a_fork_finds_what_a_start_finds(code: int, variables: dict[str, str], tmp_path: Path) -> None:
    words = ["tells", str(code)]
    found: list[Any] = []
    for done in (
        forked(words, tmp_path, variables, PATIENCE_S),
        subprocess.run(
            [sys.executable, "-m", *words],
            cwd=tmp_path,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        ),
    ):
        assert (done.returncode, done.stderr) == (code, "an error\n")
        found.append(json.loads(done.stdout))
    assert found[0] == found[1]
    assert found[0]["ours"] == []


def test_one_that_hangs_is_ended_and_the_next_is_served(variables: dict[str, str], tmp_path: Path) -> None:
    server = ForkServer()
    try:
        server.run(["tells", "0"], tmp_path, variables, PATIENCE_S)  # the server itself has begun
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            server.run(["hangs"], tmp_path, variables, 1.0)
        assert caught.value.output == "here\n"
        assert server.run(["tells", "3"], tmp_path, variables, PATIENCE_S).returncode == 3
    finally:
        server.close()
