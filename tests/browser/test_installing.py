"""The script that installs a browser for these tests: what it asks for, and what it says where it may not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "browser"


def installing(folder: Path, **commands: str) -> tuple[int, str, str]:
    """Its exit code, what it said, and what apt-get was asked for, where the ``commands`` and a few more are found."""
    asked = folder / "asked"
    asked.write_text("")
    others = {name: f'exec /usr/bin/env -i PATH=/usr/bin:/bin {name} "$@"' for name in ("tail",)}
    for name, does in (others | {"timeout": 'shift; exec "$@"', "id": "echo 0"} | commands).items():
        (folder / name).write_text(f"#!/bin/bash\n{does}\n")
        (folder / name).chmod(0o755)
    environment = {"PATH": str(folder), "ASKED": str(asked)}
    done = subprocess.run(["/bin/bash", SCRIPT], env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr.strip(), asked.read_text()


APT = 'echo "$@" >> "$ASKED"'


def test_where_a_browser_is_nothing_is_asked_for(tmp_path: Path) -> None:
    browser = {"google-chrome": "true"}
    assert installing(tmp_path, **browser, **{"apt-get": APT}) == (0, "", "")


def test_root_installs_the_system_s_package(tmp_path: Path) -> None:
    code, said, asked = installing(tmp_path, **{"apt-get": APT})
    assert (code, said) == (0, "")
    assert asked.splitlines() == ["update -qq", "install -y -qq --no-install-recommends chromium"]


def test_who_may_use_sudo_without_a_password_installs_it_too(tmp_path: Path) -> None:
    code, said, asked = installing(tmp_path, id="echo 1000", sudo='shift; exec "$@"', true="exit 0", **{"apt-get": APT})
    assert (code, said) == (0, "")
    assert "chromium" in asked


@pytest.mark.parametrize(
    ("commands", "why"),
    [
        ({}, "no apt-get that could install it"),
        ({"apt-get": APT, "id": "echo 1000", "sudo": "exit 1"}, "only root may install it"),
        ({"apt-get": "echo first; echo E: no route; exit 100"}, "apt-get cannot install it: E: no route"),
    ],
)
def test_where_it_cannot_it_says_why_and_fails_nothing(tmp_path: Path, commands: dict[str, str], why: str) -> None:
    code, said, _ = installing(tmp_path, **commands)
    assert code == 0
    assert said == f"the pages are not tested in a browser: no Chromium here, and {why}"
