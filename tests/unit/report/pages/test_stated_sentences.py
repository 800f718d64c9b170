"""What the pages say of the rules is what the code does: no sentence states what the code does not.

Every sentence of the lists "How to read this" stands here in full beside a check of it on planted data: whoever
rewrites one has to look at the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from make_claims import CLEAN, DESCRIBED, lines_of, write_claims
from make_run import cell, run_of
from pages_of_rules import TEMPLATES, both_pages, sentences
from report_folder import report
from rules_of_claims import (
    a_prediction_is_held_against_the_interval,
    exact_claims_record_no_error,
    lost_time_is_split_by_steps,
    only_valid_results_have_a_time,
    predictions_follow_from_the_problems,
    roofs_are_the_processors,
)
from rules_of_verdicts import (
    FIRST,
    a_run_that_judges_early_adds_what_starts_shift,
    confidence_is_divided_among_pairs_and_looks,
    pairs_are_compared_round_by_round,
    ranks_tie_and_want_of_evidence_does_not_lead,
    starts_widen_an_interval_and_never_narrow_it,
    time_is_a_median_with_its_interval,
    totals_follow_from_the_layers_ratios_and_need_all_of_them,
    verdicts_need_a_side_and_a_margin,
)

from pointwise_bench.common import formats
from pointwise_bench.report.pages.stated_rules import stated_rules
from pointwise_bench.report.reading import run_format


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Both pages of a run that has cells and claims."""
    folder = tmp_path_factory.mktemp("written")
    assert report(write_claims(folder / "run", lines_of(CLEAN), DESCRIBED), folder / "out")[0] == 0
    return "".join((folder / "out" / name).read_text(encoding="utf-8") for name in ("index.html", "claims.html"))


def sources_are_files_of_a_run(folder: Path) -> None:
    files = {formats.RUN_FILE, formats.CELLS_FILE, formats.CLAIMS_FILE, formats.CALIBRATION_FILE, formats.ATTACKS_FILE}
    for text in (SENTENCES["rule-sources"][0], SENTENCES["claims-sources"][0]):
        assert set(re.findall(r"\w+\.jsonl?\b", text)) <= files
    write_claims(folder / "run", lines_of(CLEAN), DESCRIBED)
    report(folder / "run", folder / "out")
    tables = {"timings.csv", "comparisons.csv", "claims.csv"}
    of_run = {"networks.csv", "shares.csv", "performance-profile.csv", "break-even.csv", "roofline.csv"}
    of_pages = {*of_run, *(path.name for path in (folder / "out").glob("layers-*.csv"))}
    assert {path.name for path in (folder / "out").glob("*.csv")} == tables | of_pages


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
        "who is the fastest, and once it was told from some of them, among those that are left (Holm); the looks have "
        "the shares 1/12, 1/6, 1/4, all later ones together 1/4, and the order of the starts 1/4.",
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
        "rounds leave open by the root of the sum of squares, and added to it where the pair has one start. Where the "
        "order of many starts, each counting once by its median, gives a narrower interval, that one holds: by a sign "
        "test that may be looked at after every start.",
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
        "calibration.json and attacks.json of its machine. timings.csv holds every time, comparisons.csv every "
        "comparison of two backends on one problem.",
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
