"""What a confined process can still do, and that one without is left alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pointwise_bench.suites.harness.machine import confinement

TRIES = """
import os, sys
from pathlib import Path
from pointwise_bench.suites.harness.machine import confinement

own, other, device = map(Path, sys.argv[1:])
before = (other / "open before").open("w")
print(confinement.confine([str(own), str(own / "is not there")], [str(device)]))

def tries(what, action):
    try:
        action()
    except PermissionError:
        print("held", what)
    else:
        print("done", what)

tries("make", lambda: (own / "a").write_text("a"))
tries("move", lambda: ((own / "folder").mkdir(), (own / "a").rename(own / "folder" / "a")))
tries("remove", lambda: (own / "folder" / "a").unlink())
tries("make elsewhere", lambda: (other / "a").write_text("a"))
tries("write elsewhere", lambda: (other / "there").write_text("a"))
tries("remove elsewhere", lambda: (other / "there").unlink())
tries("link elsewhere", lambda: (other / "link").symlink_to(own))
tries("move elsewhere", lambda: (own / "folder").rename(other / "folder"))
tries("read elsewhere", lambda: (other / "there").read_text())
tries("write to what was open", lambda: (before.write("a"), before.flush()))
tries("write to a device", lambda: (device / "there").write_text("a"))
tries("make a device", lambda: (device / "a").write_text("a"))
tries("signal itself", lambda: os.kill(os.getpid(), 0))
tries("signal its parent", lambda: os.kill(os.getppid(), 0))
"""
HELD = ("make elsewhere", "write elsewhere", "remove elsewhere", "link elsewhere", "move elsewhere", "make a device")


@pytest.mark.skipif(not confinement.version(), reason="this kernel has no Landlock")
def test_a_confined_process_changes_its_own_folders_only(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("own", "other", "device")]
    for each in folders:
        each.mkdir()
        (each / "there").write_text("as it was")
    done = subprocess.run([sys.executable, "-c", TRIES, *map(str, folders)], capture_output=True, text=True, check=True)
    confined, *said = done.stdout.splitlines()
    assert confined == "True"
    held = {line.removeprefix("held ") for line in said if line.startswith("held")}
    assert ("signal its parent" in held) == (confinement.version() >= confinement.SIGNALS_SINCE)
    assert (folders[1] / "there").read_text() == "as it was"


def test_a_system_without_confines_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confinement, "version", lambda: 0)
    assert confinement.confine([]) is False
    monkeypatch.undo()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert confinement.version() == 0
