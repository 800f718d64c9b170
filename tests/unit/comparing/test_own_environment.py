"""The interpreter of another version: this one where its packages are here, else one with those that are not."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_repository import write

from pointwise_bench.comparing import own_environment
from pointwise_bench.comparing.own_environment import python_for
from pointwise_bench.comparing.refusal import NoOtherVersion

PROJECT = '[project]\nname = "mine"\ndependencies = [{}]\n[project.optional-dependencies]\nmore = [{}]\n'


def python_of(tmp_path: Path, there: str, here: str = PROJECT.format("", "")) -> str:
    write(tmp_path, {"there/pyproject.toml": there, "here/pyproject.toml": here})
    return python_for(tmp_path / "there", tmp_path / "here", tmp_path / "kept")


@pytest.fixture
def installs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What would be installed; nothing is."""
    asked: list[list[str]] = []
    monkeypatch.setattr(own_environment, "_make", lambda folder: folder.mkdir(parents=True))
    monkeypatch.setattr(own_environment, "_install", lambda python, wanted: asked.append(wanted))
    return asked


@pytest.mark.parametrize(
    ("needs", "extras"),
    [
        ("'numpy>=2'", ""),
        ("", "'no-such-package-anywhere>=3'"),  # not installed, so not in use
        ("'no-such-package-anywhere; python_version < \"3\"'", ""),
        ("'pointwise_bench>=99'", ""),  # what measures is this version
    ],
)
def test_what_is_here_needs_no_other(tmp_path: Path, installs: list[list[str]], needs: str, extras: str) -> None:
    assert python_of(tmp_path, PROJECT.format(needs, extras)) == ""
    assert installs == []


def test_what_this_version_asks_for_as_well_is_missing_to_both(tmp_path: Path, installs: list[list[str]]) -> None:
    needs = PROJECT.format("'no-such-package-anywhere'", "")
    assert python_of(tmp_path, needs, needs) == ""
    assert installs == []


def test_another_version_of_a_package_is_another_environment_made_once(
    tmp_path: Path, installs: list[list[str]]
) -> None:
    needs = PROJECT.format("'numpy<2', 'psutil>=6'", "'pandas<1'")
    python = python_of(tmp_path, needs)
    assert installs == [["numpy<2", "pandas<1"]]
    assert python_of(tmp_path, needs) == python
    assert len(installs) == 1
    assert python_of(tmp_path, PROJECT.format("'numpy<1'", "")) != python


@pytest.mark.parametrize("text", ["", "no toml [", "[tool.other]"])
def test_without_a_project_there_is_no_other(tmp_path: Path, installs: list[list[str]], text: str) -> None:
    assert python_of(tmp_path, text) == ""
    assert python_for(tmp_path / "nowhere", tmp_path, tmp_path) == ""


def test_what_is_no_requirement_is_said_in_a_line(tmp_path: Path, installs: list[list[str]]) -> None:
    with pytest.raises(NoOtherVersion, match=r"asks for 'numpy =!= 2'"):
        python_of(tmp_path, PROJECT.format("'numpy =!= 2'", ""))


def test_what_cannot_be_installed_is_said_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = f"nothing @ {(tmp_path / 'nothing-1.0-py3-none-any.whl').as_uri()}"
    monkeypatch.setattr(own_environment, "_make", lambda folder: folder.mkdir(parents=True))
    with pytest.raises(NoOtherVersion, match="cannot be installed: ERROR") as caught:
        python_of(tmp_path, PROJECT.format(f"'{wanted}'", ""))
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "kept").glob("*/complete"))
