"""A module that is imported when something of it is first asked for.

Every process of the tests collects every file, and importing torch for that takes each of them some seconds.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest


class LateModule:
    """Stands for a module that may not be imported yet."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)


def late_import(name: str) -> Any:
    """The module, to be imported later; the file that asks is skipped where it is not installed."""
    if find_spec(name) is None:
        pytest.skip(f"{name} is not installed", allow_module_level=True)
    return LateModule(name)
