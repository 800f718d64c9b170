"""Ten questions that a reader has: what the first screen answers, in how many clicks the rest, and whether it is right.

The runs are two recorded ones, of which one is unfinished, and a prepared one with failures and two thread budgets.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from cells_by_hand import ByHand, Network
from make_run import CEILINGS, cell, noisy, write_run
from places import ROOT
from report_folder import drawing
from screens import DESKTOP, PHONE, is_seen

from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.pages.site import write_site
from pointwise_bench.report.reading.run import load_run

RECORDED: Final = {
    "on-processor": "amd-epyc-2-cores-bc5f0a0a",
    "unfinished-on-gpu": "intel-xeon-processor-16-cores-1dfe885e",
}
LAYERS: Final = {f"layer{number}": (f"n1c{64 * number}h28w28-o128", 1 + (number == 2)) for number in (1, 2, 3, 4)}
PREPARED: Final = {"torch-conv2d": 2e-3, "openvino": 1e-3, "numpy-matmul": 3e-3}
MOST_CLICKS: Final = 2
SCREENS: Final = {"desktop": DESKTOP, "phone": PHONE}


def prepared(results: Path) -> Path:
    """Of two thread budgets and unfinished: who leads is certain with one thread and not with two."""
    cells: list[dict[str, Any]] = []
    for threads in (1, 2):
        for place, (name, (problem, count)) in enumerate(LAYERS.items()):
            of_all: dict[str, Any] = {"name": name, "count": count, "threads": threads}
            for who, seconds in PREPARED.items():
                faster = 0.55 if threads == 2 and who != "numpy-matmul" else 1.0
                wins_the_last = 0.4 if who == "torch-conv2d" and place == 3 else 1.0
                noise = 0.9 if threads == 2 and who == "torch-conv2d" else 0.01
                times = noisy(seconds * (1 + place) * faster * wins_the_last, len(cells), noise, rounds=24)
                cells.append(cell(who, problem, times, **of_all))
            cells.append(cell("broken", problem, status="crashed", reason="signal 11", **of_all))
    ceilings = [one | {"threads": threads} for one in CEILINGS for threads in (1, 2)]
    return write_run(results, cells[:-1], finished_at=None, ceilings=ceilings)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, ByHand]]:
    """Of each run, the folder of its report, and what it says by hand."""
    folder = tmp_path_factory.mktemp("questions")
    found = {name: max((ROOT / "results" / machine).glob("*/run.json")).parent for name, machine in RECORDED.items()}
    found["prepared"] = prepared(folder / "results")
    with drawing(plots=False):
        for name, run in found.items():
            write_site([analyse(load_run(run))], folder / name)
    return {name: (folder / name, ByHand(run)) for name, run in found.items()}


class Reader:
    """Somebody who begins on the first page with every question, and sees and clicks, and no more."""

    def __init__(self, page: Any, site: Path, run: ByHand) -> None:
        self.page, self.run = page, run
        self._start = (site / "index.html").as_uri()
        self._clicks = 0

    def begins(self) -> None:
        """On the first page, as nobody has touched it."""
        if self._clicks or self.page.url != self._start:
            self.page.goto(self._start)
        self._clicks = 0

    def clicks(self, what: Any) -> None:
        """On the first of what there is."""
        self._clicks += 1
        assert self._clicks <= MOST_CLICKS
        assert what.count() > 0, "there is nothing to click on"
        what.first.click(timeout=3000)
        self.page.wait_for_load_state()  # of the page that a link has led to: scripts go on once it is all there

    def sees(self, words: str) -> None:
        """Without scrolling."""
        assert is_seen(self.page, words), f"not on the first screen: {words}"

    def answer(self, network: Network) -> Any:
        """The sentence on a network, of which all is on the first screen."""
        found = self.page.locator("h1.answer", has_text=f"{network.title}: ")
        assert found.count() == 1
        self.sees(network.title)
        return found

    def views(self, title: str) -> None:
        """One of the pages that the row of squares leads to."""
        self.clicks(self.page.locator("nav.views a", has_text=title))

    def text(self) -> str:
        """All that is shown, seen or further down."""
        return str(self.page.locator("main").inner_text())

    def rows(self, table: Any) -> list[list[str]]:
        """The texts of a table, each row with its head first. All at once: one by one they took most of the time."""
        shown = "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))"
        found: list[list[str]] = table.locator("tbody tr").evaluate_all(shown)
        return found


def seconds_of(text: str) -> float:
    """``1,234 µs`` or ``12.0 ms``, as a page says it."""
    number, unit = text.split()[:2]
    return float(number.replace(",", "")) * {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0}[unit]


def near(value: float) -> Any:
    """As three digits can say it."""
    return pytest.approx(value, rel=0.006)


# --- the questions ------------------------------------------------------------------------------------------------


def which_backend(reader: Reader) -> None:
    for network in reader.run.networks:
        answer = reader.answer(network)
        use = answer.locator("strong").inner_text()
        reader.sees(use)
        if network.covered == len(network.layers):
            assert use in (f"use {next(iter(network.totals))}", f"perhaps {next(iter(network.totals))}")
            continue
        assert use == "no total and no winner"
        reader.sees(f"{network.covered} of {len(network.layers)} layers have a time; missing: ")


def how_far_ahead_and_how_certain(reader: Reader) -> None:
    for network in reader.run.networks:
        answer = reader.answer(network)
        if len(network.totals) < 2:
            continue
        first, second = list(network.totals)[:2]
        lead, sign = answer.inner_text(), answer.locator("strong").get_attribute("class")
        found = re.search(r"([\d.]+)× (?:faster than \S+ )?\[([\d.]+), ([\d.]+)\]", lead)  # noqa: RUF001
        assert found is not None
        reader.sees(found[0])
        assert second in lead
        ratio, low, high = (float(found[number]) for number in (1, 2, 3))
        assert low <= ratio <= high
        assert network.totals[second] / network.totals[first] == pytest.approx(ratio, rel=0.05)
        is_certain = low > 1 and reader.run.disturbed <= 0.5
        assert (sign, answer.locator("strong").inner_text().split()[0]) == (
            ("sure", "use") if is_certain else ("unsure", "perhaps")
        )


def which_share_of_the_limit(reader: Reader) -> None:
    """By hand only of the multiply-adds: in the recorded run memory is the limit of some layers, which adds to it."""
    for network in reader.run.networks:
        found = re.search(r"(\d+) % of what this machine can do", reader.answer(network).inner_text())
        peak = reader.run.peak(network.threads)
        if not peak or not network.totals:
            assert found is None
            continue
        assert found is not None
        reader.sees(found[0])
        least = 100 * network.flops / peak / next(iter(network.totals.values()))
        assert least - 0.5 <= int(found[1]) <= min(100, least + 10)


def can_the_machine_be_trusted(reader: Reader) -> None:
    share = reader.run.disturbed
    title = "Measure again" if share > 0.5 else "Trust the ratios only" if share > 0.05 else "Trust all numbers"
    reader.sees(title)
    reader.sees(f"in {share:.0%} of the rounds" if share > 0.05 else f"steady in {1 - share:.1%} of the rounds")


def heaviest(reader: Reader, network: Network) -> Any:
    """Links to the layers that take most of the time, with their shares in the text around them."""
    number = [one.title for one in reader.run.networks].index(network.title) + 1
    return reader.page.locator(f"#network-{number} p", has_text="Most of the time: ").first


def what_eats_the_time(reader: Reader) -> None:
    for network in reader.run.networks:
        if network.totals:
            leader, total = next(iter(network.totals.items()))
            name, taken = next(iter(network.taken(leader).items()))
            assert (
                heaviest(reader, network)
                .inner_text()
                .startswith(f"Most of the time: {name} {100 * taken / total:.0f} %")
            )


def opened_layer(reader: Reader, network: Network) -> tuple[Any, str]:
    """The heaviest layer of a network, with everything of it, and its name."""
    reader.clicks(heaviest(reader, network).locator("a"))
    opened = reader.page.locator("details.layer[open]")
    from playwright.sync_api import expect  # where it is not installed, the page is not there and all this is skipped

    expect(opened).to_have_count(1, timeout=3000)
    return opened, str(opened.locator("summary strong").first.inner_text())


def why_one_loses(reader: Reader) -> None:
    for network in reader.run.networks:
        if not network.totals:
            continue
        reader.begins()
        opened, name = opened_layer(reader, network)
        rows = {who: said for who, *said in reader.rows(opened.locator("table"))}
        assert {who: seconds_of(said[0]) for who, said in rows.items()} == {
            who: near(time) for who, time in network.shown_of(name).items()
        }
        slowest, time = list(network.times_of(name).items())[-1]
        sign, _, roof = rows[slowest][2:5]
        assert "slower" in sign
        if peak := reader.run.peak(network.threads):
            share, bound = roof.split(" % ")
            assert int(share) == pytest.approx(100 * network.flops_of(name) / peak / time, abs=1)
            assert bound == "(compute)"


def what_reproduces_a_number(reader: Reader) -> None:
    network = next(one for one in reader.run.networks if one.totals)
    opened, name = opened_layer(reader, network)
    problem = network.layers[name][0]
    line = f"pointwise-bench run --shapes {problem} --threads {network.threads}"
    assert opened.locator("code.command").first.inner_text().startswith(line)
    reader.clicks(opened.get_by_text("One backend of it"))
    seed = reader.run.settings["options"]["seed"]
    fastest = next(iter(network.times_of(name)))
    exact = opened.locator("li code.command").first
    assert exact.is_visible()
    words = exact.inner_text().split()
    assert [words[words.index(word) + 1] for word in ("--shapes", "--backend", "--threads", "--seed")] == [
        problem,
        fastest,
        str(network.threads),
        str(seed),
    ]


def what_failed(reader: Reader) -> None:
    reader.views("Failures")
    if not reader.run.failures:
        assert reader.page.locator("#right").is_visible()
        assert reader.page.locator('table[data-csv="failures"]').count() == 0
        return
    table = reader.page.locator('table[data-csv="failures"]')
    assert table.is_visible()
    assert {(status, who): int(count) for status, who, count, *_ in reader.rows(table)} == reader.run.failures


def what_threads_buy(reader: Reader) -> None:
    reader.views("Scaling")
    whole = [one for one in reader.run.networks if one.totals]
    budgets = sorted({one.threads for one in whole})
    if len(budgets) == 1:
        counted = "1 thread was" if budgets == [1] else f"{budgets[0]} threads were"
        assert f"only {counted} recorded" in reader.text()
        return
    one, more = whole
    rows = {who: said for who, *said in reader.rows(reader.page)}
    for who in one.totals.keys() & more.totals.keys():
        speedup = re.search(r"[\d.]+", rows[who][1])
        assert speedup is not None
        assert float(speedup[0]) == near(one.totals[who] / more.totals[who])


def who_wins_where(reader: Reader) -> None:
    """Who leads a layer is within a few percent of the least median of it; and each problem is counted once."""
    reader.views("Win map")
    said = [part for part in reader.text().splitlines() if part.startswith("Of ")]
    counted = {(cell["problem"], cell["threads"]) for cell in reader.run.cells if cell["status"] == "ok"}
    assert sum(int(part.split()[1]) for part in said) == len(counted)
    leads: dict[str, int] = {}
    for part in said:
        for who, count in re.findall(r"(\S+) leads on (\d+)", part):
            leads[who] = leads.get(who, 0) + int(count)
    assert leads
    best: dict[str, set[tuple[str, int]]] = {}
    for network in reader.run.networks:
        for name, (problem, _) in network.layers.items():
            times = network.times_of(name)
            for who, time in times.items():
                if time <= 1.03 * min(times.values()):
                    best.setdefault(who, set()).add((problem, network.threads))
    assert all(count <= len(best.get(who, ())) for who, count in leads.items()), (leads, best)


QUESTIONS: Final[tuple[Callable[[Reader], None], ...]] = (
    which_backend,
    how_far_ahead_and_how_certain,
    which_share_of_the_limit,
    can_the_machine_be_trusted,
    what_eats_the_time,
    why_one_loses,
    what_failed,
    what_reproduces_a_number,
    what_threads_buy,
    who_wins_where,
)


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("run", [*RECORDED, "prepared"])
def test_ten_questions_have_right_answers_in_two_clicks(page: Any, runs: Any, run: str, screen: str) -> None:
    page.set_viewport_size(SCREENS[screen])
    reader = Reader(page, *runs[run])
    for asks in QUESTIONS:
        reader.begins()
        asks(reader)


# --- what is planted is caught ------------------------------------------------------------------------------------

LAYER_PAGE: Final = "layers-tinynet-threads-1.html"
FAULTS: Final[dict[str, tuple[Callable[[Reader], None], str, str, str]]] = {
    "hidden": (which_backend, "index.html", 'class="answer"', 'class="answer" style="display:none"'),
    "transparent": (which_backend, "index.html", 'class="answer"', 'class="answer" style="opacity:0"'),
    "covered": (
        which_backend,
        "index.html",
        "<main>",
        '<main><div style="position:fixed;inset:0;background:red"></div>',
    ),
    "below": (how_far_ahead_and_how_certain, "index.html", "<header>", '<header style="padding-top:850px">'),
    "cut off": (
        which_share_of_the_limit,
        "index.html",
        "<header>",
        '<header style="white-space:nowrap;position:relative;left:700px">',
    ),
    "another backend": (which_backend, "index.html", "use openvino", "use torch-conv2d"),
    "a wrong lead": (how_far_ahead_and_how_certain, "index.html", r"1\.60× faster", "1.70× faster"),  # noqa: RUF001
    "lead that is not certain": (how_far_ahead_and_how_certain, "index.html", "perhaps openvino", "use openvino"),
    "no interval": (how_far_ahead_and_how_certain, "index.html", r" \[1\.58, 1\.61\]", ""),
    "a wrong limit": (which_share_of_the_limit, "index.html", "13 % of what", "33 % of what"),
    "a wrong light": (can_the_machine_be_trusted, "index.html", "Trust all numbers", "Measure again"),
    "a wrong share": (what_eats_the_time, "index.html", "layer4</a> 33 %", "layer4</a> 43 %"),
    "a link away": (why_one_loses, "index.html", f'href="{LAYER_PAGE}#layer-4"', ""),
    "a link elsewhere": (why_one_loses, "index.html", f"{LAYER_PAGE}#layer-4", f"{LAYER_PAGE}#layer-40"),
    "a wrong time": (why_one_loses, LAYER_PAGE, r">12\.0 ms<", ">12.2 ms<"),
    "a wrong roof": (why_one_loses, LAYER_PAGE, r"4 % \(compute\)", "6 % (compute)"),
    "a wrong line": (what_reproduces_a_number, LAYER_PAGE, "--seed 1<", "--seed 2<"),
    "a failure less": (what_failed, "index.html", 'broken</td><td class="number">7', 'broken</td><td class="number">6'),
    "no way to failures": (what_failed, "index.html", '<a href="#failures">.*?</a>', ""),
    "a wrong speed-up": (what_threads_buy, "scaling.html", r"1\.82×", "1.92×"),  # noqa: RUF001
    "no way to the map": (who_wins_where, "index.html", '<a href="win-map.html">.*?</a>', ""),
    "a wrong winner": (who_wins_where, "win-map.html", "torch-conv2d leads on 1", "numpy-matmul leads on 1"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_caught(page: Any, runs: Any, tmp_path: Path, fault: str) -> None:
    asks, name, right, wrong = FAULTS[fault]
    site, by_hand = runs["prepared"]
    shutil.copytree(site, tmp_path / "site")
    file = tmp_path / "site" / name
    text, planted = re.subn(right, wrong, file.read_text(encoding="utf-8"))
    assert planted
    file.write_text(text, encoding="utf-8")
    reader = Reader(page, tmp_path / "site", by_hand)
    reader.begins()
    with pytest.raises(AssertionError):
        asks(reader)
