"""Which of the project's backends differ in two versions: by their own file, or by one that they import."""

from __future__ import annotations

from pathlib import Path

from tiny_repository import write

from pointwise_bench.comparing.changed_backends import changed

FILES = {
    "backend.py": "contract",
    "plain.py": "import numpy\nfrom pointwise_bench.backends.backend import Backend",
    "helped.py": "def f():\n    from pointwise_bench.backends._shared import loops",
    "_shared/__init__.py": "",
    "_shared/loops.py": "import pointwise_bench.backends._shared.deep",
    "_shared/deep.py": "import pointwise_bench.backends._shared.loops",
    "packaged/__init__.py": "from pointwise_bench.backends.packaged.part import x",
    "packaged/part.py": "x = 1",
}
MODULES = ("plain", "helped", "packaged")


def after(tmp_path: Path, changes: dict[str, str]) -> list[str]:
    write(tmp_path / "here", FILES | changes)
    write(tmp_path / "there", FILES)
    return changed(tmp_path / "here", tmp_path / "there", MODULES)


def test_nothing_differs_where_only_the_contract_does(tmp_path: Path) -> None:
    assert after(tmp_path, {"backend.py": "another"}) == []


def test_a_change_is_found_however_far_down_it_is_imported(tmp_path: Path) -> None:
    assert after(tmp_path, {"_shared/deep.py": "y = 2"}) == ["helped"]


def test_own_files_and_parts_of_a_package_count(tmp_path: Path) -> None:
    assert after(tmp_path, {"plain.py": "x = 2", "packaged/part.py": "x = 2"}) == ["plain", "packaged"]


def test_one_that_is_new_differs(tmp_path: Path) -> None:
    write(tmp_path / "here", FILES)
    write(tmp_path / "there", {"backend.py": "contract"})
    assert changed(tmp_path / "here", tmp_path / "there", ["plain"]) == ["plain"]
