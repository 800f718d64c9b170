"""What the pages say of the rules is what the code does.

Three ways to part are held: a constant that changes without its sentence, a number typed into a template, and a
sentence that states what the code does not. For the last, every sentence of the lists "How to read this" stands here in
full beside a check of it on planted data: whoever rewrites one has to look at the other.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from statistics import NormalDist
from typing import Any, Final, cast

import numpy as np
import pytest
from make_claims import CLEAN, DESCRIBED, STRIDE, claim_line, gains_of, lines_of, write_claims
from make_run import CEILINGS, cell, run_of, write_run
from report_folder import report

from pointwise_bench.backends.problem import Problem
from pointwise_bench.common import formats, verdict_rule
from pointwise_bench.report import pages
from pointwise_bench.report.analysis.comparisons import compare_run
from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.timings import tabulate
from pointwise_bench.report.analysis.trust import health
from pointwise_bench.report.claims import gains, shortfall
from pointwise_bench.report.claims.predicted_work import Work
from pointwise_bench.report.pages.rendering import render
from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.pages.stated_rules import StatedRules, stated_rules
from pointwise_bench.report.reading import run_format
from pointwise_bench.report.reading.run import Run
from pointwise_bench.report.statistics.early_intervals import rounds_leave_open
from pointwise_bench.report.statistics.order_statistics import Clusters, interval_index, moderated
from pointwise_bench.report.statistics.starts import Disagreement, usual_round_sd, usual_start_sd
from pointwise_bench.report.statistics.total_ratios import LayerRatios, compare_totals
from pointwise_bench.report.statistics.verdicts import Series, judge, pair_up

FIRST, SECOND = "n1c64h28w28-o128", "n1c128h14w14-o64"
TEMPLATES: Final = Path(pages.__file__).parent / "templates"
TURN: Final = {"rounds": {"turn_s": 0.004}}


def plain(text: str) -> str:
    """The text of a page without its markup, on one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", text)).split())


def sentences(page: str) -> dict[str, str]:
    """The items of the list of rules, by their id."""
    return {name: plain(text) for name, text in re.findall(r'<li id="([\w-]+)">(.*?)</li>', page, re.DOTALL)}


def both_pages(rules: StatedRules) -> dict[str, str]:
    """All rules of the two pages."""
    return sentences(render("method.html", rules=rules)) | sentences(render("claims.html", runs=[], rules=rules))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Both pages of a run that has cells and claims."""
    folder = tmp_path_factory.mktemp("written")
    assert report(write_claims(folder / "run", lines_of(CLEAN), DESCRIBED), folder / "out")[0] == 0
    return "".join((folder / "out" / name).read_text(encoding="utf-8") for name in ("index.html", "claims.html"))


# --- a number is the code's own -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("owner", "constant", "value", "name", "said"),
    [
        (verdict_rule, "ALPHA", 0.01, "rule-time", ("99 % confidence", "fewer than 8 rounds")),
        (verdict_rule, "ALPHA", 0.003, "rule-confidence", ("confidence of 99.7 %",)),
        (verdict_rule, "MARGIN", 0.05, "rule-verdict", ("a ratio beyond 5 %", "wholly within 5 %")),
        (verdict_rule, "MARGIN", 0.125, "claims-verdict", ("widened by 12.5 % to both sides",)),
        (verdict_rule, "PLANNED_STARTS", 7, "rule-confidence", ("the 7 planned starts",)),
        (verdict_rule, "USUAL_COUNTS_AS", 9, "rule-starts", ("counts as 9 starts",)),
        (verdict_rule, "USUAL_COUNTS_AS", 9, "rule-shifts", ("counts as 9 starts",)),
        (verdict_rule, "START_SD", 0.07, "rule-starts", ("7 % counts as 30 starts",)),
        (verdict_rule, "START_SD_COUNTS_AS", 50, "rule-starts", ("3 % counts as 50 starts",)),
        (verdict_rule, "ROUND_SD", 0.1, "rule-verdict", ("(10 % while none is known)",)),
        (verdict_rule, "ROUND_SD_QUANTILE", 0.8, "rule-verdict", ("that 80 % of the pairs",)),
        (verdict_rule, "FEWEST_COMMON_ROUNDS", 4, "rule-verdict", ("Fewer than 4 rounds",)),
        (verdict_rule, "COMMON_TO_LAYERS", 0.5, "rule-total", ("errors of which 50 % are common to all layers",)),
        (gains, "WIDEST", 1.4, "claims-verdict", ("differ by more than 40 %",)),
        (shortfall, "SMALLEST_SHARE", 0.1, "claims-lost", ("Parts of less than 10 % are not named",)),
    ],
)  # fmt: skip
def test_a_constant_takes_its_sentence_with_it(
    monkeypatch: pytest.MonkeyPatch, owner: Any, constant: str, value: float, name: str, said: tuple[str, ...]
) -> None:
    before = both_pages(stated_rules([]))[name]
    monkeypatch.setattr(owner, constant, value)
    after = both_pages(stated_rules([]))[name]
    for words in said:
        assert words in after
        assert words not in before


@pytest.mark.parametrize(
    ("owner", "constant", "value", "said"),
    [
        (health, "CANARY_LIMIT", 1.5, "(more than 1.5 times its usual time:"),
        (run_format, "LARGEST_ERROR_RATIO", 2.0, "The largest error is measured over allowed: above 2 is wrong."),
    ],
)
def test_so_does_one_that_the_text_of_a_run_states(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, constant: str, value: float, said: str
) -> None:
    folder = write_run(tmp_path, [cell("a", FIRST, [1e-3] * 9)])
    report(folder, tmp_path / "before")
    monkeypatch.setattr(owner, constant, value)
    report(folder, tmp_path / "after")
    before, after = (plain((tmp_path / name / "index.html").read_text()) for name in ("before", "after"))
    assert said in after
    assert said not in before


@pytest.mark.parametrize("name", [field.name for field in fields(StatedRules)])
def test_every_number_that_is_read_is_stated(name: str) -> None:
    """A field that no sentence shows is a rule without a text."""
    marked: Any = replace(cast("Any", stated_rules([])), **{name: "MARKED"})
    shown = "".join((TEMPLATES / file).read_text() for file in ("run.html", "method.html", "claims.html"))
    assert f"rules.{name}" in shown
    if f"rules.{name}" not in (TEMPLATES / "run.html").read_text():
        assert "MARKED" in "".join(both_pages(marked).values())


@pytest.mark.parametrize(
    ("policies", "said"),
    [
        ([TURN], "in the same rounds, a turn being about 4.00 ms of calls."),
        ([TURN, TURN], "in the same rounds, a turn being about 4.00 ms of calls."),
        ([TURN, {"rounds": {"turn_s": 0.002}}], "in the same rounds. Two"),
        ([TURN, None], "in the same rounds. Two"),
        ([None], "in the same rounds. Two"),
        ([{"rounds": {"turn_s": "short"}}], "in the same rounds. Two"),
        ([{"rounds": 5}], "in the same rounds. Two"),
        ([], "in the same rounds. Two"),
    ],
)
def test_the_harnesss_number_is_the_runs_or_is_left_out(tmp_path: Path, policies: list[Any], said: str) -> None:
    runs = [run_of(tmp_path / str(number), [], policy=policy) for number, policy in enumerate(policies)]
    assert said in both_pages(stated_rules(runs))["rule-pairs"]


# --- no number is typed -------------------------------------------------------------------------------------------

JINJA: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
# Names that hold a digit, and no number; so are works by two authors and their year.
NAMES: Final = re.compile(r"\b1x1\b|\bfloat64\b|\b[A-Z]\w+ and [A-Z]\w+ (19|20)\d\d\b")
NUMBER: Final = re.compile(
    r"\d|\b(three|four|five|six|seven|eight|nine|ten|twelve|dozen|hundred|thousand|half|third|quarter|fifth|tenth|twice"
    r"|thrice|per ?cent)\b",
    re.IGNORECASE,
)


def typed_numbers(source: str) -> list[str]:
    """Numbers of a template's text, in digits or words, that no expression gives."""
    text = re.sub(r"<[^>]*>", " ", JINJA.sub(" ", source))
    return [match[0] for match in NUMBER.finditer(NAMES.sub(" ", text))]


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.[hm]*")), ids=lambda path: path.name)
def test_no_number_is_typed_into_a_template(path: Path) -> None:
    assert typed_numbers(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>within 2 %</p>", ["2"]),
        ("fewer than six rounds", ["six"]),
        ("more than a Quarter", ["Quarter"]),
        ('{{ "%.1f"|format(100 * x) }} {% if y > 3 %}<td colspan="6">{% endif %} a 1x1 convolution in float64', []),
        ("claims 1, 4 and 5", ["1", "4", "5"]),
    ],
)
def test_a_typed_number_would_be_found(source: str, found: list[str]) -> None:
    assert typed_numbers(source) == found


# --- a sentence is what the code does -----------------------------------------------------------------------------


def series(seconds: Any, starts: int = 1) -> Series:
    """Rounds in order, dealt evenly to ``starts`` starts."""
    values = np.asarray(seconds, dtype=np.float64)
    return Series.of(values, range(values.size), np.arange(values.size) * starts // values.size)


def decidable(backends: int, rounds: int, starts: int = 1, first_look: int = verdict_rule.PLANNED_STARTS) -> bool:
    """Whether the first pair among so many backends has an interval at its confidence."""
    made = [series(np.full(rounds, 1.0 + 0.1 * number), starts if number else 1) for number in range(backends)]
    return bool(pair_up(made, usual=Disagreement(first_look=first_look)).sign_tested[0])


def time_is_a_median_with_its_interval(folder: Path) -> None:
    nine = Clusters.of(np.arange(1.0, 10.0), np.zeros(9, dtype=np.int64))
    assert nine.median_interval() == (5, 2, 8)  # ranks 2 and 8 miss with 2 * (1 + 9) / 2**9 = 3.9 %
    apart = Clusters.of(np.arange(1.0, 10.0), np.repeat([0, 1, 2], 3))
    assert apart.median_interval()[1:] == (1, 9)
    five = Clusters.of(np.arange(1.0, 6.0), np.zeros(5, dtype=np.int64))
    assert five.median_interval() == (3, 1, 5)
    assert next(rounds for rounds in range(1, 9) if interval_index(rounds) is not None) == 6


def pairs_are_compared_round_by_round(folder: Path) -> None:
    machine = np.tile([1.0, 2.0, 5.0], 11)
    own = np.linspace(1.04, 1.08, 33)
    (pair,) = compare_run(run_of(folder, [cell("a", FIRST, machine), cell("b", FIRST, machine * own)])).to_dict(
        "records"
    )
    assert pair["ratio"] == pytest.approx(1.06)
    assert 1.04 <= pair["low"] <= 1.06 <= pair["high"] <= 1.08


def confidence_is_divided_among_pairs_and_looks(folder: Path) -> None:
    # 2 / 2**6 = 3.1 % and 2 / 2**7 = 1.6 %, of 5 %, 5 % / 3 pairs = 1.7 % and 5 % / 2 looks = 2.5 %.
    assert decidable(backends=2, rounds=6)
    assert not decidable(backends=3, rounds=6)
    assert decidable(backends=3, rounds=7)
    assert decidable(backends=2, rounds=6, starts=verdict_rule.PLANNED_STARTS)
    assert not decidable(backends=2, rounds=6, starts=verdict_rule.PLANNED_STARTS + 1)
    # Judged after every start: among three backends each has two rivals, and the looks have 1/12, 1/6 and 1/4.
    for starts, price in ((1, 12), (2, 6), (3, 4)):
        made = [series(np.full(12 * starts, factor), starts) for factor in (1.0, 1.5, 3.0)]
        known = Disagreement(first_look=1, start_sd=0.0)
        still = rounds_leave_open(12 * starts, starts, np.zeros(1), verdict_rule.ALPHA / 2 / price, known)
        assert np.log(pair_up(made, usual=known).high / pair_up(made, usual=known).ratio) == pytest.approx(
            np.repeat(still, 3)
        )


def verdicts_need_a_side_and_a_margin(folder: Path) -> None:
    cases = [  # middle, low, high, decidable: ratios
        (1.03, 1.005, 1.06, True, "faster"),  # the interval need not lie beyond the margin
        (1.015, 1.005, 1.03, True, "undecided"),
        (0.97, 0.95, 0.995, True, "slower"),
        (1.03, 0.99, 1.06, True, "undecided"),
        (1.0, 0.985, 1.019, True, "same"),
        (1.0, 0.985, 1.021, True, "undecided"),
        (9.0, 9.0, 9.0, False, "undecided"),
    ]
    middle, low, high = np.log([case[:3] for case in cases]).T
    found = judge(middle, low, high, np.array([case[3] for case in cases]), np.log1p(verdict_rule.MARGIN))
    assert found.tolist() == [case[4] for case in cases]
    level, few = series(np.ones(5), starts=3), series(2.0 * np.array([1.0, 1.1, 1.2, 1.3, 1.4]), starts=3)
    pair = pair_up([level, few], usual=Disagreement(round_sd=0.1))
    normal = NormalDist().inv_cdf(1 - verdict_rule.ALPHA / 2)
    assert np.log([pair.low[0], pair.high[0]]) == pytest.approx(
        [math.log(2.0) - 0.1 * normal, math.log(2.8) + 0.1 * normal]
    )
    assert pair.verdict[0] == "faster"
    assert usual_round_sd(np.linspace(0, 1, 11)) == pytest.approx(verdict_rule.ROUND_SD_QUANTILE)
    assert usual_round_sd([]) == Disagreement().round_sd == verdict_rule.ROUND_SD
    two = series([9.0, 9.0], starts=2)
    assert pair_up([level, two]).verdict[0] == "undecided"
    assert pair_up([level, series([9.0] * verdict_rule.FEWEST_COMMON_ROUNDS, starts=3)]).verdict[0] == "faster"


def table_of(run: Run) -> dict[str, dict[str, Any]]:
    """Rows of the tidy table by backend."""
    rows = tabulate(run, compare_run(run), Roofs.of(run.settings)).to_dict("records")
    return {str(row["backend"]): {str(key): value for key, value in row.items()} for row in rows}


def ranks_tie_and_want_of_evidence_does_not_lead(folder: Path) -> None:
    cells = [cell(name, FIRST, [seconds] * 31) for name, seconds in (("a", 1e-3), ("b", 1e-3), ("c", 2e-3))]
    rows = table_of(run_of(folder / "many", cells))
    assert {name: (row["rank"], row["leads"], row["sign"], row["wins"]) for name, row in rows.items()} == {
        "a": (1, True, "fastest", True),
        "b": (1, True, "same", True),
        "c": (3, False, "slower", False),
    }
    rows = table_of(run_of(folder / "few", [cell("a", FIRST, [1e-3] * 2), cell("b", FIRST, [2e-3] * 2)]))
    assert {name: (row["rank"], row["leads"], row["sign"], row["wins"]) for name, row in rows.items()} == {
        "a": (1, True, "fastest", False),
        "b": (1, False, "undecided", False),
    }


def totals_follow_from_the_layers_ratios_and_need_all_of_them(folder: Path) -> None:
    machine = np.tile([1.0, 2.0], 16)
    made = {"a": 1.0, "b": 1.05}
    cells = [
        *(cell(name, FIRST, 1e-3 * factor * machine, count=1) for name, factor in made.items()),
        *(cell(name, SECOND, 2e-3 * factor * machine, count=4) for name, factor in made.items()),
        cell("partial", FIRST, 1e-6 * machine, count=1),
    ]
    (group,) = analyse(run_of(folder, cells)).groups
    a, b, partial = group.standings
    assert (a.sign, b.sign, partial.total) == ("fastest", "slower", None)
    assert a.total is not None
    assert a.total.seconds == pytest.approx(1.5 * (1e-3 + 4 * 2e-3))
    # Round by round the machine's own wandering cancels.
    assert b.behind == pytest.approx((1.05, 1.05, 1.05))
    assert b.total is not None
    assert b.total.seconds == pytest.approx(1.05 * a.total.seconds)
    missed = {"group": "tinynet", "name": "third", "count": 1, "problem": "n1c8h4w4-o8", "threads": 1}
    (group,) = analyse(run_of(folder / "missed", cells, selection=[missed])).groups
    assert group.leaders == []
    assert not group.is_whole
    # Of one layer, the interval is that layer's; of two of like weight it is that of errors which are partly common.
    middle, low, high = (np.array([[end], [end]]) for end in (0.0, -0.1, 0.1))
    apart = LayerRatios(middle, low, high, np.array([[True], [True]]))
    common = verdict_rule.COMMON_TO_LAYERS
    found = compare_totals(np.ones((2, 2)), np.ones(2), apart)
    assert found.high[0] == pytest.approx(0.1 * (common + (1 - common) / 2) ** 0.5)


def a_run_that_judges_early_adds_what_starts_shift(folder: Path) -> None:
    """Three level starts at 1.9, 2 and 2.1: the middle one is the median, and no round scatters by itself."""
    level, other = (series(np.repeat(seconds, 9), 3) for seconds in ([1.0, 1.0, 1.0], [1.9, 2.0, 2.1]))
    known = Disagreement(effect=50.0, start_sd=0.05, first_look=1)
    pair = pair_up([level, other], usual=known)
    own = float(np.var(np.log([1.9, 2.0, 2.1]), ddof=1))
    alpha = verdict_rule.ALPHA / 4  # the third look
    shift = NormalDist().inv_cdf(1 - alpha / 2) * math.sqrt((4 * 0.05**2 + 2 * own) / 6 / 3)
    rounds = float(rounds_leave_open(27, 3, np.zeros(1), alpha, known)[0])
    assert math.log(pair.high[0] / 2) == pytest.approx(math.hypot(shift, rounds))
    assert math.log(2 / pair.low[0]) == pytest.approx(math.hypot(shift, rounds))
    level, other = (series(np.full(9, seconds)) for seconds in (1.0, 2.0))
    alone = pair_up([level, other], usual=known)
    alpha = verdict_rule.ALPHA / 12
    shift = NormalDist().inv_cdf(1 - alpha / 2) * 0.05
    assert math.log(alone.high[0] / 2) == pytest.approx(
        shift + float(rounds_leave_open(9, 1, np.zeros(1), alpha, known)[0])
    )


def starts_widen_an_interval_and_never_narrow_it(folder: Path) -> None:
    # Three starts: two beyond the first, beside four starts' worth of the run's own or, for a single time, of none.
    assert moderated(own=9.0, freedom=2, usual=3.0) == pytest.approx((4 * 3 + 2 * 9) / 6)
    assert moderated(own=0.0, freedom=2, usual=1.0) == 1.0
    values = np.arange(1.0, 32.0)
    pooled = Clusters.of(values, np.zeros(31, dtype=np.int64))
    alike = Clusters.of(values, np.arange(31) % 3)
    assert alike.median_interval() == pooled.median_interval()
    _, low, _ = pooled.median_interval()
    _, widened, _ = pooled.median_interval(usual=1.5**2 * 1.0)
    assert 16 - widened == pytest.approx(1.5 * (16 - low), abs=1)
    # Fewer starts than planned: by the normal distribution, and what the run has shown beside the prior.
    normal = NormalDist().inv_cdf(1 - verdict_rule.ALPHA / 2)
    for starts in (1, 2):
        level = [series(np.full(9, seconds), starts) for seconds in (1.0, 2.0)]
        pair = pair_up(level, usual=Disagreement(start_sd=0.05))
        missing = normal * 0.05 * (1 if starts == 1 else 0.5)
        assert np.log([pair.low[0], pair.high[0]]) == pytest.approx(np.log(2) + np.array([-missing, missing]))
    weight = verdict_rule.START_SD_COUNTS_AS
    known = (weight * verdict_rule.START_SD**2 + 10 * 0.01) / (weight + 10)
    assert usual_start_sd(np.array([0.01]), np.array([11])) == pytest.approx(np.sqrt(known))


def roofs_are_the_processors(folder: Path) -> None:
    roofs = Roofs.of({"ceilings": CEILINGS})
    problem = Problem.parse(FIRST)
    compute, memory = problem.flops / 100e9, problem.min_bytes / (roofs.bandwidth(problem.min_bytes, 1) or 0)
    found = roofs.roof(problem, 1)
    assert found is not None
    assert found.seconds == pytest.approx(max(compute, memory))
    cells = [cell("a", FIRST, [1e-9] * 9), cell("b", FIRST, [1e-3] * 9, device="cuda")]
    run = run_of(folder, cells)
    rows = table_of(run)
    assert rows["a"]["percent_of_roof"] > 100
    assert np.isnan(rows["b"]["percent_of_roof"])
    table = tabulate(run, compare_run(run), Roofs.of(run.settings))
    assert "the ceiling was measured too low, or the clock rose after it" in " ".join(health.warnings(run, table))


def only_valid_results_have_a_time(folder: Path) -> None:
    cells = [
        cell("a", FIRST, [1e-3] * 9),
        cell("b", FIRST, [1e-3] * 9, status="wrong"),
        cell("a", f"{FIRST}-float64", [1e-3] * 9),
        cell("c", f"{FIRST}-float64", [1e-3] * 9),
    ]
    run = run_of(folder, cells)
    assert "only ok has times" in run.defects[0]
    assert set(compare_run(run)["problem"]) == {f"{FIRST}-float64"}


def sources_are_files_of_a_run(folder: Path) -> None:
    files = {formats.RUN_FILE, formats.CELLS_FILE, formats.CLAIMS_FILE, formats.CALIBRATION_FILE}
    for text in (SENTENCES["rule-sources"][0], SENTENCES["claims-sources"][0]):
        assert set(re.findall(r"\w+\.jsonl?\b", text)) <= files
    write_claims(folder / "run", lines_of(CLEAN), DESCRIBED)
    report(folder / "run", folder / "out")
    tables = {"timings.csv", "comparisons.csv", "claims.csv"}
    of_run = {"networks.csv", "shares.csv", "performance-profile.csv", "break-even.csv", "roofline.csv"}
    of_pages = {*of_run, *(path.name for path in (folder / "out").glob("layers-*.csv"))}
    assert {path.name for path in (folder / "out").glob("*.csv")} == tables | of_pages


def predictions_follow_from_the_problems(folder: Path) -> None:
    problem = Problem.parse(FIRST)
    results = 128 * 28 * 28
    assert Work.of_steps([("product", problem)]) == Work(results, problem.parameters, problem.macs, problem.min_bytes)
    assert Work.of_steps([("product", problem), ("relu", problem)]).bytes == problem.min_bytes + 2 * 4 * results


def gain_between(folder: Path, after_s: float, wander: float = 0.0) -> gains.Gain:
    """A gain predicted to be 4, whose second way takes ``after_s`` of 4 s, give or take."""
    steps = {"every pixel, then one in four": {"whole": {"product": 4.0}}, "stride 2": {"whole": {"product": after_s}}}
    line = claim_line("stride", "a", steps)
    turns = 1 + wander * np.linspace(-1, 1, len(line["process"]))
    line["samples_s"]["stride 2"] = (np.array(line["samples_s"]["stride 2"]) * turns).tolist()
    (gain,) = gains_of(folder, line)
    return gain


def a_prediction_is_held_against_the_interval(folder: Path) -> None:
    # 4 / 1.021 and 4 / 1.019: the margin of 2 % is counted in.
    for after_s, words in ((1.021, "short of it"), (1.019, "as predicted"), (1 / 1.019, "as predicted")):
        assert gain_between(folder, after_s).against_prediction == words
    assert gain_between(folder, 1 / 1.021).against_prediction == "beyond it"
    wide = gain_between(folder, 1.0, wander=0.5)
    assert wide.high > wide.low * gains.WIDEST
    assert wide.against_prediction == "undecided"


def lost_time_is_split_by_steps(folder: Path) -> None:
    (gain,) = gains_of(folder, claim_line("stride", "a", STRIDE))
    eaten = shortfall.shortfall(gain, Roofs({}, {}, {}))
    assert eaten is not None
    # 2 ms of products against a quarter of 5 ms; the smallest call, 1 us, is once in both ways.
    assert eaten.lost_s == pytest.approx(2e-3 - 5e-3 / 4)
    assert sum(share for _, share in eaten.parts) == pytest.approx(1)
    assert "the cost of a call" in dict(eaten.parts)
    assert "the cost of a call" not in eaten.sentence  # below the share that is named


def exact_claims_record_no_error(folder: Path) -> None:
    lines = [claim_line("stride", "a", STRIDE, error_ratio=None), CLEAN[2]]
    run_folder = write_claims(folder / "run", lines_of(lines), DESCRIBED)
    report(run_folder, folder / "out")
    page = plain((folder / "out" / "claims.html").read_text(encoding="utf-8"))
    assert "before and after the timing: those of 4 bit for bit on whole numbers, the others within" in page


SENTENCES: Final[dict[str, tuple[str, Callable[[Path], None]]]] = {
    "rule-time": (
        "A time is the median of its rounds. Its interval (shown by a pointer resting on it; low_s and high_s in "
        "timings.csv) is that of the sign test: it holds the true median with 95 % confidence, whatever the "
        "distribution, and is widened by how much the starts of the worker disagree. With fewer than 6 rounds it is "
        "the whole range, which holds the median less surely.",
        time_is_a_median_with_its_interval,
    ),
    "rule-pairs": (
        "All backends of a problem took turns in the same rounds. Two are compared round by round, so what slowed the "
        "whole machine cancels: the ratio is the median of the rounds' ratios on a logarithmic scale, and its "
        "interval is that of the sign test, widened likewise, but in a run that looks at pairs before the planned "
        "starts (see below).",
        pairs_are_compared_round_by_round,
    ),
    "rule-confidence": (
        "That interval's confidence of 95 % is divided among the pairs of the problem and thread budget, since a "
        "reader looks for the best among all of them, and once more among the looks at the pair (Bonferroni): a pair "
        "with more than the 3 planned starts was undecided before and looked at again, and all its looks have equal "
        "shares. A run that leaves out after each start who can no longer be the fastest looks at a pair after its "
        "first start already: there the confidence is divided among the rivals of one backend, since what is asked is "
        "who is the fastest, and the looks have the shares 1/12, 1/6, 1/4, and all later ones together 1/2.",
        confidence_is_divided_among_pairs_and_looks,
    ),
    "rule-verdict": (
        "Faster or slower needs a ratio beyond 2 % and an interval that lies wholly on that side of equality; the "
        "same needs an interval wholly within 2 %; all else is undecided. In a run that looks at pairs before the "
        "planned starts the interval lies about the median, as wide as the median of so many rounds scatters by the "
        "pair's own scatter and that of the others. Elsewhere, where the rounds are too few for an interval of that "
        "confidence, it is the range of their ratios, and wider on either side by what a single round may be off, as "
        "certainly: the standard deviation of rounds that 90 % of the pairs of the run stay below (20 % while none is "
        "known) times the quantile of the normal distribution. Fewer than 3 rounds are undecided, however large the "
        "difference.",
        verdicts_need_a_side_and_a_margin,
    ),
    "rule-rank": (
        "A rank is one more than the number of backends judged faster, so ranks tie. Bold is the fastest, which nobody "
        "was judged faster than and which is ahead of most others, and whoever was judged the same. A ? stands behind "
        "the time of anybody else whom nobody was judged faster than: there is not enough evidence to tell, and no "
        "share of the lead. A layer counts as led where there is no such mark.",
        ranks_tie_and_want_of_evidence_does_not_lead,
    ),
    "rule-total": (
        "A network's total counts each layer as often as it occurs; a backend without a time for every layer has "
        "none, and a network of which a layer has no time at all has no winner. The ratio of two totals is made of the "
        "layers' own ratios, each weighing what its layer takes of both totals, and so rests on all rounds in which "
        "both ran, whichever passes they are from. The ends of its interval are as far from it as the layers' ends "
        "from theirs, added up as errors of which 25 % are common to all layers; verdicts and marks follow from it as "
        "for a single layer. The total of the fastest is the sum of its layers' times; any other's is that total times "
        "their ratio, so that totals stand to each other as the pairs do.",
        totals_follow_from_the_layers_ratios_and_need_all_of_them,
    ),
    "rule-starts": (
        "Rounds of one start are not taken as independent: what a worker keeps from its start to its end, such as "
        "where its memory lies, shifts all of them alike. The width of an interval, counted in ranks, is multiplied "
        "by the square root of the design effect: how much more the starts disagree than the scatter of their rounds "
        "explains. A pair's own design effect counts by its starts beyond the first; that of all pairs of the run "
        "with the same thread budget counts as 4 starts beside it (for a single time, no disagreement does). An "
        "interval is never made narrower. A pair with fewer than the planned 3 starts knows less than that: its "
        "interval is wider on either side by what the missing starts may have shifted it, by the normal distribution "
        "and the standard deviation of such shifts among all pairs of the run (beside which 3 % counts as 30 starts).",
        starts_widen_an_interval_and_never_narrow_it,
    ),
    "rule-shifts": (
        "A run within a time budget, which judges pairs before they have the planned starts, multiplies no ranks. "
        "What the mean of the pair's starts may be off by is reckoned by the normal distribution, its own variance "
        "between starts being drawn towards that of the run, which counts as 4 starts; it is joined with what the "
        "rounds leave open by the root of the sum of squares, and added to it where the pair has one start.",
        a_run_that_judges_early_adds_what_starts_shift,
    ),
    "rule-roof": (
        "The roof is the least time by the measured peak of multiply-adds and the measured bandwidth at the problem's "
        "size, each operand counted once; it is the processor's, and other devices have none. Points above it mean a "
        "ceiling measured too low, or a clock that rose after it.",
        roofs_are_the_processors,
    ),
    "rule-valid": (
        "Only results that passed the correctness gate before and after the timing have a time. A ratio is between "
        "two backends on the same problem or the same network, so never across element types.",
        only_valid_results_have_a_time,
    ),
    "rule-sources": (
        "Everything here follows from the files of the run (run.json, cells.jsonl, claims.jsonl) and from "
        "calibration.json of its machine. timings.csv holds every time, comparisons.csv every comparison of two "
        "backends on one problem.",
        sources_are_files_of_a_run,
    ),
    "claims-predicted": (
        "Predicted numbers follow from the ids of the problems. Numbers written are the results of all products; "
        "bytes count each operand of a product once (the patches of a k x k convolution are such an operand, so each "
        "pixel counts k x k times there) and, for a ReLU apart, every result read and written once more.",
        predictions_follow_from_the_problems,
    ),
    "claims-verdict": (
        '"As predicted" means that the interval, widened by 2 % to both sides, holds the prediction, and is not so '
        "wide that it would hold anything: where its ends differ by more than 25 %, the gain is undecided. Short of a "
        "prediction or beyond it is a gain whose widened interval lies wholly on that side.",
        a_prediction_is_held_against_the_interval,
    ),
    "claims-lost": (
        "The lost time is what the second way takes beyond the first one's time over the predicted ratio. It is split "
        "by steps that were timed in the same rounds: patches, handing arrays between NumPy and the backend, a ReLU "
        "or subsampling apart, and the products. Of the products' part, calls are their number times the measured "
        "time of the smallest call (one multiplication), and bandwidth is the time by which the bandwidth measured in "
        "this run makes a product's roof higher than its arithmetic does. The rest is a lower rate of the arithmetic "
        "in smaller products. Parts of less than 5 % are not named.",
        lost_time_is_split_by_steps,
    ),
    "claims-valid": (
        "Results were checked against a float64 reference before and after the timing: within the error that correct "
        "arithmetic in the element type may make.",
        exact_claims_record_no_error,
    ),
    "claims-sources": (
        "Everything here follows from run.json and claims.jsonl; claims.csv holds every gain.",
        sources_are_files_of_a_run,
    ),
}


def rendered() -> Iterator[tuple[str, str]]:
    yield from both_pages(stated_rules([])).items()


def test_every_rule_of_the_pages_has_its_check_here() -> None:
    assert dict(rendered()) == {name: text for name, (text, _) in SENTENCES.items()}


def test_every_item_of_the_lists_of_rules_has_a_name() -> None:
    for name in ("method.html", "claims.html"):
        _, _, rules = (TEMPLATES / name).read_text(encoding="utf-8").partition("<h2>How to read this</h2>")
        assert rules.count("<li") == len(sentences(rules)) > 0


@pytest.mark.parametrize("name", SENTENCES)
def test_the_code_does_what_the_rule_says(name: str, tmp_path: Path) -> None:
    _, check = SENTENCES[name]
    check(tmp_path)


def test_the_rules_stand_on_the_written_pages(written: str) -> None:
    assert sentences(written).keys() == SENTENCES.keys()


def test_what_the_text_of_a_run_says_of_errors_is_the_limit_of_reading(tmp_path: Path) -> None:
    limit = run_format.LARGEST_ERROR_RATIO
    cells = [cell(name, FIRST, [1e-3], error_ratio=ratio) for name, ratio in (("a", limit), ("b", limit + 0.01))]
    run = run_of(tmp_path, cells)
    assert run.backends == ["a"]
    assert "above 1 is wrong" in run.defects[0]
