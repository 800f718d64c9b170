"""What the pages say of the rules is what the code does: its numbers are the code's own, and none is typed.

That each sentence states what the code does is held in ``test_stated_sentences.py``.
"""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final, cast

import pytest
from make_run import cell, run_of, write_run
from pages_of_rules import TEMPLATES, both_pages, plain
from report_folder import report
from rules_of_verdicts import FIRST

from pointwise_bench.common import verdict_rule
from pointwise_bench.report.analysis.trust import health
from pointwise_bench.report.claims import gains, shortfall
from pointwise_bench.report.pages.stated_rules import StatedRules, stated_rules
from pointwise_bench.report.reading import run_format

TURN: Final = {"rounds": {"turn_s": 0.004}}


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
