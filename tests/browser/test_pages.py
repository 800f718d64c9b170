"""The pages in a browser, as a reader uses them, and as somebody who sees or moves otherwise has to."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from make_every_page import write_every_page
from make_run import cell, noisy, write_run
from report_folder import drawing
from screens import DESKTOP, PHONE

from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.pages.site import write_site
from pointwise_bench.report.publishing.publication import publish
from pointwise_bench.report.reading.run import load_run

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")

LAYERS: Final = {f"layer{number}": f"n1c{64 * number}h28w28-o128" for number in (1, 2, 3, 4)}
HOSTILE: Final = (" <b>&\"'$x^2$`|" + "x" * 120, " <b>&\"'$x^2$`|\n\u202e" + "y" * 10_000)
"""In names, which a reader takes if they are printable and of 200 characters at most; and in reasons."""
TIMES: Final = {"torch-conv2d": 2e-3, "openvino": 1e-3, "numpy-matmul": 3e-3}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one network with its report; and the report and the site of that and a later, unfinished one."""
    folder = tmp_path_factory.mktemp("site")
    cells = [
        cell(backend, problem, [seconds * (1 + place)] * 9, name=name)
        for place, (name, problem) in enumerate(LAYERS.items())
        for backend, seconds in TIMES.items()
    ]
    cells += [
        cell("broken", problem, status="crashed", reason="signal 11", name=name) for name, problem in LAYERS.items()
    ]
    run = write_run(folder / "results", cells)
    later = write_run(folder / "results", cells[:-5], "2026-02-03T04-05-06Z", finished_at=None)
    with drawing(plots=False):
        write_site([analyse(load_run(run))], folder / "report")
        write_site([analyse(load_run(one)) for one in (run, later)], folder / "two")
        publish([run, later], folder / "public", lambda _: None, print)
        for name, texts in (("every", ("", "")), ("hostile", HOSTILE)):
            kinds = write_every_page(folder / f"{name}-results", *texts)
            write_site([analyse(load_run(kinds))], folder / name)
            publish([kinds], folder / f"{name}-public", lambda _: None, print)
    return folder


def column(page: Any, table: str, place: int) -> list[str]:
    """The texts of a table's column, of the rows that are shown."""
    cells = page.locator(f'table[data-csv="{table}"] tbody tr:not(.sum):visible > :nth-child({place})')
    return [text.split()[0] for text in cells.all_inner_texts()]


def kept(page: Any, words: str) -> None:
    """Wait until the address says it; a browser answers when it can."""
    page.wait_for_function("words => location.search.includes(words)", arg=words)


TABLE: Final = "layers-tinynet-threads-1"


def test_a_reader_sorts_filters_and_chooses_columns_and_a_reload_keeps_it(page: Any, site: Path) -> None:
    page.goto((site / "report" / "index.html").as_uri())
    box = page.locator(f'table[data-csv="{TABLE}"]')
    tools = page.locator(f'.tools:has(+ .scroll > table[data-csv="{TABLE}"])')
    assert column(page, TABLE, 1) == list(LAYERS)
    for direction, names in (("ascending", list(LAYERS)), ("descending", list(LAYERS)[::-1])):
        box.get_by_role("button", name="openvino").click()
        assert box.locator("th[aria-sort]").get_attribute("aria-sort") == direction
        assert column(page, TABLE, 1) == names
    tools.get_by_role("searchbox").fill("c128h")
    assert column(page, TABLE, 1) == ["layer2"]
    tools.get_by_role("searchbox").fill("layer")
    tools.get_by_text("Columns").click()
    tools.get_by_role("checkbox", name="numpy-matmul").uncheck()
    page.locator(".bars select").select_option(label="numpy-matmul")
    for _ in range(2):
        assert column(page, TABLE, 1) == list(LAYERS)[::-1]
        assert not box.get_by_text("numpy-matmul").is_visible()
        assert box.get_by_text("torch-conv2d").first.is_visible()
        assert "3.00" in page.locator(".bars li", has_text="openvino").inner_text()
        assert page.locator(".bars .baseline").inner_text() == "numpy-matmul"
        page.reload()


def test_another_baseline_says_what_the_page_said_of_it(page: Any, tmp_path: Path) -> None:
    """Of one 50,000 times slower, and of one that never met another: chosen by hand, or when the page was made."""
    apart = {"round": list(range(1000, 1009))}
    cells = [
        cell(who, problem, [seconds] * 9, **(apart if (who, place) == ("alone", 1) else {}))
        for place, problem in enumerate(list(LAYERS.values())[:2])
        for who, seconds in (("quick", 1e-6), ("usual", 1.2e-5), ("slow", 5e-2), ("alone", 1e-1))
    ]
    run = load_run(write_run(tmp_path / "results", cells))
    said = {}
    with drawing(plots=False):
        for baseline in ("quick", "usual", "slow", "alone"):
            write_site([analyse(run, baseline)], tmp_path / baseline)
            page.goto((tmp_path / baseline / "index.html").as_uri())
            said[baseline] = page.locator(".bars li .what").all_inner_texts()
    assert "0.000020\u00d7 [" in " ".join(said["quick"])
    assert "50,000\u00d7 [" in " ".join(said["slow"])
    met = [text.count("never in the same rounds") for text in map(" ".join, said.values())]
    assert met == [1, 1, 1, 3]
    for baseline, texts in said.items():
        page.locator(".bars select").select_option(label=baseline)
        assert page.locator(".bars li .what").all_inner_texts() == texts
        page.goto((tmp_path / "quick" / "index.html").as_uri())


def test_whichever_baseline_a_page_was_made_for_and_whichever_is_chosen_a_number_is_the_same(
    page: Any, tmp_path: Path
) -> None:
    """Of twelve backends that are apart by any ratio: each text of the menu is the one of a page for that baseline."""
    factors = np.random.default_rng(16).lognormal(0.0, 2.0, 12)
    names = [f"backend-{letter}" for letter in "abcdefghijkl"]
    times = zip(names, factors, strict=True)
    run = load_run(write_run(tmp_path / "results", [cell(who, LAYERS["layer1"], noisy(1e-3 * x)) for who, x in times]))
    said = {}
    with drawing(plots=False):
        for baseline in names:
            write_site([analyse(run, baseline)], tmp_path / baseline)
            page.goto((tmp_path / baseline / "index.html").as_uri())
            said[baseline] = page.locator(".bars li .what").all_inner_texts()
    for baseline, texts in said.items():
        page.locator(".bars select").select_option(label=baseline)
        assert page.locator(".bars li .what").all_inner_texts() == texts


def test_a_link_leads_to_one_layer_with_everything_of_it_open(page: Any, site: Path) -> None:
    page.goto((site / "report" / "index.html").as_uri())
    page.locator("nav.strip a").nth(2).click()
    page.wait_for_url("**/layers-tinynet-threads-1.html#layer-3")
    opened = page.locator("details.layer[open]")
    assert opened.count() == 1
    assert "layer3" in opened.locator("summary").first.inner_text()
    assert opened.locator("table tbody tr").count() == 3
    assert "pointwise-bench run --shapes n1c192h28w28-o128" in opened.inner_text()


def test_a_table_is_downloaded_with_what_it_shows(page: Any, site: Path, tmp_path: Path) -> None:
    page.goto((site / "report" / "index.html").as_uri())
    with page.expect_download() as started:
        page.locator(f'.csv:has(a[href$="{TABLE}.csv"]) a').click()
    started.value.save_as(tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    shown = page.locator(f'table[data-csv="{TABLE}"] tbody tr:first-child td').all_inner_texts()
    assert list(rows[0].values())[1:] == shown


def test_everything_is_done_by_keyboard_alone(page: Any, site: Path) -> None:
    """Tab reaches each control, Enter sorts, letters filter, an arrow chooses a baseline, Enter follows a link."""
    page.goto((site / "report" / "index.html").as_uri())
    done = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        at = page.evaluate(
            "(e => `${e.tagName} ${e.type ?? ''} ${e.closest('nav.strip') ? 'strip' : ''} ${e.textContent}`)"
            "(document.activeElement)"
        )
        if at.startswith("SELECT") and "baseline" not in done:
            page.keyboard.press("ArrowDown")
            kept(page, "baseline-1=")
            done.add("baseline")
        elif at.startswith("BUTTON") and "openvino" in at:
            page.keyboard.press("Enter")
            kept(page, f"sort-{TABLE}=")
            done.add("sort")
        elif at.startswith("INPUT search") and "filter" not in done:
            page.keyboard.type("layer1")
            kept(page, "filter-")
            done.add("filter")
        if done == {"baseline", "sort", "filter"}:
            break
    assert done == {"baseline", "sort", "filter"}
    page.locator("nav.strip a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/layers-tinynet-threads-1.html#layer-1")


def test_a_point_of_the_roofline_says_what_it_is_to_mouse_finger_and_keyboard(browser: Any, site: Path) -> None:
    """And the address keeps whose points were brought to the front."""
    context = browser.new_context(viewport=PHONE, has_touch=True)
    page = context.new_page()
    page.goto((site / "report" / "roofline.html").as_uri())
    assert page.locator("figure.chart").evaluate("one => one.scrollWidth <= one.clientWidth")  # all of it on the screen
    said, slowest = page.locator(".readout"), page.locator('.points[data-of="numpy-matmul"] path').last
    slowest.hover()
    assert "layer4 of tinynet; numpy-matmul: 12.0 ms [" in said.inner_text()
    assert "% of its roof (" in said.inner_text()
    page.mouse.move(1, 1)  # on the way to the link
    assert said.get_by_role("link").is_visible()
    page.locator('.points[data-of="openvino"] path').first.tap()
    assert "layer1 of tinynet; openvino: 1.00 ms [" in said.inner_text()
    page.keyboard.press("Escape")
    page.locator("figure.chart").focus()
    for key, who in (("Home", "layer1 of tinynet; numpy-matmul"), ("ArrowUp", "layer1 of tinynet; torch-conv2d")):
        page.keyboard.press(key)
        assert who in said.inner_text()
    page.keyboard.press("ArrowRight")
    assert "layer2 of tinynet; " in said.inner_text()
    said.get_by_role("link").click()
    page.wait_for_url("**/layers-tinynet-threads-1.html#layer-2")
    page.go_back()
    page.get_by_role("button", name="openvino").click()
    kept(page, "front-1=openvino")
    assert page.locator(".points.back").count() == 2
    context.close()


def test_who_got_a_time_is_one_line_below_the_first_screen_that_opens(page: Any, site: Path) -> None:
    page.goto((site / "every" / "index.html").as_uri())
    line = page.locator("summary", has_text="backends that cheat on purpose")
    assert line.inner_text() == (
        "Of 5 backends that cheat on purpose, 1 got a time that it did not earn; of 1 of the 3 mistakes, 0"
    )
    assert line.bounding_box()["y"] > DESKTOP["height"]
    assert not page.locator('table[data-csv="attacks"]').is_visible()
    line.click()
    assert column(page, "attacks", 1) == ["e", "a", "b", "c", "d"]
    assert column(page, "attacks", 6) == ["1", "0", "0", "0", "0"]
    assert column(page, "planted", 5) == ["2"]
    for size, scheme in ((DESKTOP, "light"), (PHONE, "dark")):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert axe.Axe().run(page).response["violations"] == []


def test_without_script_everything_is_there(browser: Any, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "report" / "index.html").as_uri())
    assert "use openvino" in page.locator("h1").first.inner_text()
    assert page.locator(".bars li .what").count() == 3
    assert page.locator(f'a[href$="{TABLE}.csv"][download]').is_visible()
    assert not page.locator(".bars select").is_visible()
    context.close()


@pytest.mark.parametrize(
    ("name", "cell_of"),
    [
        ("index", 'table[data-csv="layers-tinynet-threads-1"] tbody td.number:nth-child(3)'),
        ("model", 'table[data-csv="left-out"] td:nth-child(3)'),
        ("model", 'table[data-csv="ways-1"] td:nth-child(2)'),
        ("museum", 'table[data-csv="museum"] td:nth-child(4)'),
        ("census", 'table[data-csv="census-kinds"] td:nth-child(5)'),
    ],
)
def test_on_a_phone_the_figure_that_a_table_is_about_is_in_sight(
    page: Any, site: Path, name: str, cell_of: str
) -> None:
    """A table may go on to the side, but not before what it was made for."""
    page.set_viewport_size(PHONE)
    page.goto((site / ("report" if name == "index" else "every") / f"{name}.html").as_uri())
    box = page.locator(cell_of).first.bounding_box()
    assert box["width"] > 0
    assert box["x"] + box["width"] <= PHONE["width"]


# Of the report of two runs the page that one run has none of: the others are as in the report of one.
@pytest.mark.parametrize("place", ["report/*", "public/*", "two/index", "every*/*", "hostile*/*"])
def test_no_page_moves_sideways_or_has_a_serious_finding(page: Any, site: Path, place: str) -> None:
    """At the width of a desktop and of a phone, light and dark; axe-core names what keeps somebody from reading."""
    paths = sorted(site.glob(f"{place}.html"))
    assert paths
    for path in paths:
        for size, scheme in ((DESKTOP, "light"), (PHONE, "dark")):
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=scheme)
            page.goto(path.as_uri())
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= size["width"], f"{path.name} at {size['width']}: {width}"
        found = axe.Axe().run(page).response["violations"]
        serious = [one for one in found if one["impact"] not in ("minor", None)]
        assert [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in serious] == [], path.name
