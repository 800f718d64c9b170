"""What holds for every test of the project itself, and for no test of a user."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """A warning is an error: it is either mended, or ignored where it is expected, with the reason.

    Here and not in pyproject.toml, where it would reach ``pytest suites/`` too: a library that warns its users must not
    make their run fail. In front of all other filters, so that each of them is an exception to it.
    """
    config.getini("filterwarnings").insert(0, "error")
