"""A browser for the tests of pages: headless Chromium from the system's packages, driven by Playwright.

One serves all tests of a file, as its start takes longer than they do. It is not kept for longer: while it is open an
event loop runs in the thread of the tests, beside which others could begin none.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any, Final

import pytest
from screens import DESKTOP

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright here: pip install playwright")
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Chromium here, and pip has none: apt-get install chromium, or .ci/browser as root")
    with playwright.sync_playwright() as driver:
        # Without a sandbox, as a root user in a container has none; the pages are our own.
        opened = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page of a new reader; what it asks of another place, and what it complains of, fails the test."""
    context = browser.new_context(viewport=DESKTOP, accept_downloads=True)
    opened, complaints = context.new_page(), []
    opened.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda asked: complaints.append(asked.url) if not asked.url.startswith("file:") else None)
    yield opened
    context.close()
    assert complaints == []
