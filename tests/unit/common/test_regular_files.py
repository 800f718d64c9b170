"""Files opened carefully: a link, a pipe, a device or a folder in their place is neither followed nor waited for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from no_plain_files import NO_PLAIN_FILES

from pointwise_bench.common.regular_files import open_regular


@pytest.fixture(params=NO_PLAIN_FILES)
def planted(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "a.log"
    NO_PLAIN_FILES[request.param](path)
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
