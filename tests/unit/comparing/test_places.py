"""Where the code of a backend stands, without importing it; and the same source in a copy of its repository."""

from __future__ import annotations

from pathlib import Path

import pytest
from places import ROOT
from tiny_repository import write

from pointwise_bench.backends.registry import Source
from pointwise_bench.comparing.places import BEFORE, place_of
from pointwise_bench.comparing.refusal import NoOtherVersion


def test_a_built_in_is_imported_from_the_folder_of_backends(tmp_path: Path) -> None:
    place = place_of(Source("built-in", "pointwise_bench.backends.numpy_matmul"))
    assert place.file == ROOT / "backends" / "numpy_matmul.py"
    write(tmp_path, {"backends/numpy_matmul.py": ""})
    there = place.in_tree(ROOT, tmp_path, "python")
    assert (there.code, there.suffix, there.python) == (str(tmp_path / "backends"), BEFORE, "python")
    with pytest.raises(FileNotFoundError):
        place.in_tree(ROOT, tmp_path / "elsewhere")


def test_a_file_is_its_copy(tmp_path: Path) -> None:
    write(tmp_path, {"here/a/mine.py": "", "there/a/mine.py": ""})
    (tmp_path / "link.py").symlink_to("here/a/mine.py")
    there = place_of(Source("plugin", str(tmp_path / "link.py"))).in_tree(tmp_path / "here", tmp_path / "there")
    assert (there.location, there.code) == (str(tmp_path / "there/a/mine.py"), "")


@pytest.mark.parametrize("inner", ["part.py", "part/__init__.py"])
def test_a_module_is_found_and_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inner: str) -> None:
    raising = "raise SystemExit"
    write(tmp_path, {"src/a_package_of_tests/__init__.py": raising, f"src/a_package_of_tests/{inner}": raising})
    monkeypatch.syspath_prepend(tmp_path / "src")
    place = place_of(Source("plugin", "a_package_of_tests.part"))
    assert place.file == tmp_path / "src" / "a_package_of_tests" / inner
    assert place.imported_from == tmp_path / "src"
    with pytest.raises(NoOtherVersion, match="no module of Python source"):
        place_of(Source("plugin", "a_package_of_tests.no_such"))
