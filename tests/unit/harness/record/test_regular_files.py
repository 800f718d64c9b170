"""Files opened carefully: a link, a pipe, a device or a folder in their place is neither followed nor waited for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pointwise_bench.suites.harness.record.regular_files import open_log, open_regular


def link(path: Path) -> None:
    """To a file that must stay as it is."""
    path.with_name("precious").write_text("precious")
    path.symlink_to(path.with_name("precious"))


PLANTED: dict[str, Callable[[Path], None]] = {
    "a link": link,
    "a link to nothing": lambda path: path.symlink_to(path.with_name("absent")),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
}


@pytest.fixture(params=PLANTED)
def planted(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "a.log"
    PLANTED[request.param](path)
    return path


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_APPEND])
def test_what_is_no_regular_file_is_refused_and_not_waited_for(planted: Path, flags: int) -> None:
    with pytest.raises(OSError):
        open_regular(planted, flags)
    assert not planted.with_name("absent").exists()


def test_a_regular_file_is_opened_as_ever(tmp_path: Path) -> None:
    path = tmp_path / "plain"
    descriptor = open_regular(path, os.O_RDWR | os.O_CREAT)
    os.write(descriptor, b"text")
    os.close(descriptor)
    descriptor = open_regular(path, os.O_RDONLY)
    assert os.read(descriptor, 100) == b"text"
    assert not os.get_inheritable(descriptor)
    os.close(descriptor)


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
    if (precious := planted.with_name("precious")).exists():
        assert precious.read_text() == "precious"
