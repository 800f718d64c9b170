"""An environment that is made for another version of the project, and a plugin in it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from tiny_repository import write

from pointwise_bench.backends.registry import Source
from pointwise_bench.comparing.own_environment import python_for
from pointwise_bench.suites.harness.worker.plugin_loading import declarations

PROJECT = '[project]\nname = "mine"\ndependencies = [{}]\n'
NEWER = PROJECT.format("'iniconfig>=99'")
PLUGIN = """
import iniconfig, numpy
from pointwise_bench import Backend, register

@register
class Named(Backend):
    name = iniconfig.NAME
    def prepare(self, problem, weight, bias, threads): ...
"""


def test_a_plugin_in_a_new_environment_finds_what_is_asked_for_before_what_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that is installed in both: pytest's, in another version."""
    about = "iniconfig-99.0.dist-info"
    with zipfile.ZipFile(tmp_path / "iniconfig-99.0-py3-none-any.whl", "w") as file:
        file.writestr("iniconfig/__init__.py", "NAME = 'of-the-new-one'")
        file.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: iniconfig\nVersion: 99.0\n")
        file.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{about}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    write(tmp_path, {"mine.py": PLUGIN, "here/pyproject.toml": PROJECT.format(""), "there/pyproject.toml": NEWER})
    python = python_for(tmp_path / "there", tmp_path / "here", tmp_path / "kept")
    (found,) = declarations(Source("plugin", str(tmp_path / "mine.py"), python=python))
    assert found.name == "of-the-new-one"
