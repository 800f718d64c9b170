"""A log takes the place of what a plugin has put there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from no_plain_files import NO_PLAIN_FILES, PRECIOUS

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
