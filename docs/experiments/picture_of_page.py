"""A picture of a report's first screen, for the README: the page of a run in a browser, light and dark.

    python docs/experiments/picture_of_page.py results/MACHINE/TIME docs/images/page.png

writes the page into a folder of its own and its picture to ``page.png`` and ``page-dark.png``. It needs Chromium and
what the tests of the pages need (``pip install --group dev -e .``).
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import sync_playwright

from pointwise_bench.report.__main__ import main as report

WIDTH: Final = 1200
MARGIN: Final = 12
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    """Both pictures of one run."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("run", type=Path, help="results/MACHINE/TIME")
    options.add_argument("out", type=Path, help="a PNG; the dark one has -dark in its name")
    given = options.parse_args()
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        raise SystemExit("no Chromium here: apt-get install chromium, or .ci/browser as root")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        if report([str(given.run), "--out", folder]):
            raise SystemExit(f"{given.run}: no report")
        # Without a sandbox, as a root user in a container has none; the page is our own.
        opened = driver.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        for scheme, path in (("light", given.out), ("dark", given.out.with_stem(f"{given.out.stem}-dark"))):
            _picture(opened, Path(folder) / "index.html", scheme, path)
            print(path)
        opened.close()


def _picture(browser: Any, page: Path, scheme: str, path: Path) -> None:
    """From the top to the end of the first network, or of the first screen where there is none."""
    context = browser.new_context(viewport={"width": WIDTH, "height": 900}, color_scheme=scheme)
    opened = context.new_page()
    opened.goto(page.as_uri())
    first = opened.locator("section").first
    box = first.bounding_box() if first.count() else None
    height = box["y"] + box["height"] + MARGIN if box else 900
    opened.screenshot(path=path, full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": height})
    context.close()
    # Of so few colours that nobody sees a difference, and a third of the size: a README is loaded often.
    Image.open(path).convert("RGB").quantize(128).save(path, optimize=True)


if __name__ == "__main__":
    main()
