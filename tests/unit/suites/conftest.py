"""What tests of the catalogue share."""

from __future__ import annotations

from pathlib import Path

import pytest

from pointwise_bench.suites.catalogue import Group, load


@pytest.fixture(scope="module")
def groups() -> dict[str, Group]:
    return {group.name: group for group in load()}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, so that messages name files as a user types them."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
