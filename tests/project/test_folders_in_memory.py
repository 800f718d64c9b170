"""Temporary files of tests are in memory only where they can be, and what a worker may not change is elsewhere."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from folders_in_memory import NAMES_IT, OF_THE_SYSTEM, is_fit, use_memory

ROOM = {"f_bavail": 10, "f_frsize": 1 << 30, "f_flag": 0}


@pytest.mark.parametrize(
    ("found", "fit"),
    [({}, True), ({"f_bavail": 3}, False), ({"f_flag": os.ST_NOEXEC}, False), ({"f_bavail": 4}, True)],
)
def test_there_must_be_room_and_code_must_run(
    found: dict[str, int], fit: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda folder: SimpleNamespace(**{**ROOM, **found}))
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=8 << 30))
    assert is_fit(str(tmp_path)) == fit
    assert not is_fit(str(tmp_path), enough=9 << 30)


def test_a_folder_that_is_not_there_or_is_not_ours_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_fit(str(tmp_path / "absent"), enough=0)
    monkeypatch.setattr(os, "access", lambda folder, mode: False)
    assert not is_fit(str(tmp_path), enough=0)


def test_what_the_user_has_named_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAMES_IT, "/elsewhere")
    use_memory()
    assert os.environ[NAMES_IT] == "/elsewhere"


def test_what_no_worker_may_change_is_not_there(on_disk: Path) -> None:
    assert not on_disk.resolve().is_relative_to(Path(OF_THE_SYSTEM).resolve())
