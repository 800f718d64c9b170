"""A session that is a fork finds what one that was started finds, and ends as it does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from forked_session import ForkServer, _server_for, begun, forked
from places import ROOT
from suite_command import suite_environment

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
    server = ForkServer.begun()
    try:
        server.run(["tells", "0"], tmp_path, variables, PATIENCE_S)  # the server itself has begun
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            server.run(["hangs"], tmp_path, variables, 3.0)  # a busy machine may need one to say that it is there
        assert caught.value.output == "here\n"
        assert server.run(["tells", "3"], tmp_path, variables, PATIENCE_S).returncode == 3
    finally:
        server.close()


# --- sessions that find ours imported -----------------------------------------------------------------------------

ASKS = """
import sys
session = sys.modules["pointwise_bench.suites.harness.run.session"]
ours = {"single_start", "pointwise_bench.suites.pytest_plugin"}
print(session.POLICY.rounds.passes, ours & set(sys.modules))
"""


def test_a_copy_has_imported_ours_by_the_policy_of_the_plugin(tmp_path: Path) -> None:
    """And neither that plugin nor ours for pytest, which are imported by pytest, and the second begins the clock."""
    (tmp_path / "asks.py").write_text(ASKS)
    variables = suite_environment(tmp_path)
    server = ForkServer.begun()
    try:
        for policy, passes in (("single_start", 1), ("", 3)):
            copied = server.copy(folder=str(tmp_path), variables=variables, policy=policy)
            assert copied.run(["asks"], tmp_path, variables, PATIENCE_S).stdout == f"{passes} set()\n"
    finally:
        server.close()


def test_with_a_plugin_that_changes_more_ours_are_imported_behind_it() -> None:
    variables = suite_environment()
    usual = _server_for(["pytest", "-p", "single_start", "-p", "quick_ceilings"], ROOT, variables)
    plain = _server_for(["pytest", "-p", "single_start", "-p", "small_limits"], ROOT, variables)
    assert usual is not plain
    assert plain is _server_for(["another_program"], ROOT, variables)
    assert plain is _server_for(["pytest", "-p", "single_start"], ROOT, suite_environment(ROOT / "tests"))


def test_one_that_has_begun_is_asked_waited_for_and_killed(variables: dict[str, str], tmp_path: Path) -> None:
    process = begun(["hangs"], tmp_path, variables)
    beside = begun(["tells", "3"], tmp_path, variables)
    assert beside.wait(PATIENCE_S) == beside.poll() == 3
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=3.0)  # a busy machine may need one to write
    assert process.poll() is None
    assert os.getsid(process.pid) == process.pid
    process.kill()
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, output) == (-9, "here\n")
    process.kill()  # safe to do twice
    assert "default_int_handler" in beside.communicate()[0]
