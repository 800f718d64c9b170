"""A log takes the place of what a plugin has put there."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from no_plain_files import NO_PLAIN_FILES, PRECIOUS

from pointwise_bench.common.regular_files import open_regular
from pointwise_bench.suites.harness.record import log_files
from pointwise_bench.suites.harness.record.log_files import open_log


@pytest.fixture(params=NO_PLAIN_FILES)
def planted(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "a.log"
    NO_PLAIN_FILES[request.param](path)
    return path


def test_a_log_takes_the_place_of_what_a_plugin_has_put_there_which_is_kept(planted: Path) -> None:
    for _ in range(2):
        descriptor = open_log(planted)
        os.write(descriptor, b"a line\n")
        os.close(descriptor)
    assert planted.is_file()
    assert not planted.is_symlink()
    assert planted.read_text() == "a line\n" * 2
    assert os.path.lexists(f"{planted}.1")
    assert not os.path.lexists(f"{planted}.2")
    if (precious := planted.with_name(PRECIOUS)).exists():
        assert precious.read_text() == PRECIOUS


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EROFS, errno.ENOSPC])
def test_a_log_stays_where_it_is_when_it_cannot_be_opened_for_want_of_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path = tmp_path / "a.log"
    path.write_text("honest\n")

    def lacking(*arguments: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(log_files, "open_regular", lacking)
    with pytest.raises(OSError, match=os.strerror(number)):
        open_log(path)
    assert [each.name for each in tmp_path.iterdir()] == ["a.log"]


def test_a_plugin_that_takes_the_permissions_from_its_log_hinders_no_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a superuser sees no permissions, the refusal is planted."""
    path = tmp_path / "a.log"
    path.write_text("honest\n")

    def refusing(path: Path, flags: int) -> int:
        if path.exists():
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return open_regular(path, flags)

    monkeypatch.setattr(log_files, "open_regular", refusing)
    os.close(open_log(path))
    assert path.read_text() == ""
    assert path.with_name("a.log.1").read_text() == "honest\n"
