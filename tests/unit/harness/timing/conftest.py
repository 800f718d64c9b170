"""Modules that are slow to import, for the tests of this room."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


@pytest.fixture
def slow_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules that take a while to import; ``outer_slow`` imports ``inner_slow`` on the way."""
    (tmp_path / "inner_slow.py").write_text("import time; time.sleep(0.1)")
    (tmp_path / "outer_slow.py").write_text("import time; time.sleep(0.1); import inner_slow")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("inner_slow", "outer_slow"):
        monkeypatch.delitem(sys.modules, name, raising=False)
