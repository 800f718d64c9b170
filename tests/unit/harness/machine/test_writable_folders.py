"""Where a worker may write: its own folder, caches, never where the run lies."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from pointwise_bench.suites.harness.machine import writable_folders
from pointwise_bench.suites.harness.machine.writable_folders import MORE, folders_of, furnish


def test_caches_and_what_the_user_adds_are_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "numba"))
    monkeypatch.setenv(MORE, f"{tmp_path / 'one'}:{tmp_path / 'two'}:")
    found = folders_of(tmp_path / "own", str(tmp_path / "run" / "compiled"), tmp_path / "run")
    for name in ("own", "home/.cache", "numba", "one", "two", "run/compiled"):
        assert str(tmp_path / name) in found
    assert str(tmp_path) not in found
    assert str(tmp_path / "run") not in found


def test_no_folder_in_which_the_run_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv(MORE, f"{tmp_path / 'run'}:/")
    found = folders_of(tmp_path / "own", None, tmp_path / "run" / "workers")
    assert not {str(tmp_path), str(tmp_path / "run"), "/"} & {*found}


def test_a_furnished_folder_leads_to_the_headers_of_torchs_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(writable_folders, "find_spec", lambda name: object())
    assert furnish(tmp_path / "a" / "own")["TMPDIR"] == str(tmp_path / "a" / "own")
    furnish(tmp_path / "a" / "own")  # of the next start
    (link,) = (tmp_path / "a" / "own").iterdir()
    assert link.resolve() == tmp_path / link.name
    assert str(tmp_path / link.name) in folders_of(tmp_path / "a" / "own", None, tmp_path / "run")


def test_folders_of_compiled_code_are_there_when_a_worker_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writable_folders, "find_spec", lambda name: None)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "for" / "numba"))
    furnish(tmp_path / "own")
    assert (tmp_path / "home" / ".cache").is_dir()
    assert (tmp_path / "for" / "numba").is_dir()
    monkeypatch.setenv("HOME", "/dev/null")  # nothing can be made below it, and nobody is kept from starting
    furnish(tmp_path / "another")
