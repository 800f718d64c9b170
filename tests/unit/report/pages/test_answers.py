"""Which backend is fastest, by how much and how certain that is, in sentences written by hand."""

from __future__ import annotations

import pandas as pd
import pytest
from make_groups import LAYERS, group_of, standing

from pointwise_bench.report.analysis.groups import GroupRow, ReportGroup
from pointwise_bench.report.pages.answers import NetworkAnswer, answer, headline, verdict_counts
from pointwise_bench.report.statistics.chosen_pairs import MOST_AGAINST_ALL

CROSS = "\N{MULTIPLICATION SIGN}"
LEAD = (1.5, 1.4, 1.6)
NONE_FASTEST = "No network has a backend with comparable times for all layers, so none is called fastest."


def network(*leaders: str, undecided: tuple[str, ...] = (), name: str = "tinynet", threads: int = 1) -> ReportGroup:
    """A network with these leaders of one second, those of whom that is unclear, and one backend behind them."""
    first, *others = leaders
    ahead = [standing(first, 1.0, "fastest"), *(standing(one, 1.0, "same") for one in others)]
    unclear = [standing(one, 1.2, "undecided", behind=(1.2, 0.9, 1.4)) for one in undecided]
    behind = standing("c", 1.5, "slower", behind=LEAD, leading=0)
    return group_of(name, [*ahead, *unclear, behind], threads=threads)


# --- one group ----------------------------------------------------------------------------------------------------


def test_the_best_of_a_network_is_named_with_its_total_and_its_lead() -> None:
    assert answer(network("a")) == NetworkAnswer(
        "tinynet", 1, "a", "1.00 s", f"1.50{CROSS} [1.40, 1.60] ahead of c", "2 of 2"
    )


def test_who_shares_the_lead_is_named() -> None:
    said = answer(network("a", "b", "z"))
    assert (said.fastest, said.total) == ("a, b and z", "1.00 s")
    assert said.lead == f"the same within 2 %; 1.50{CROSS} [1.40, 1.60] ahead of c"


def test_want_of_evidence_is_said_apart_from_being_the_same() -> None:
    said = answer(network("a", undecided=("x", "y")))
    assert (said.fastest, said.settled, answer(network("a")).settled) == ("a?", False, True)
    assert said.lead == f"not enough evidence against x and y; 1.50{CROSS} [1.40, 1.60] ahead of c"
    many = answer(network("a", "b", undecided=tuple("uvwxy")))
    assert many.fastest == "a and b?"
    assert many.lead.startswith("the same within 2 %; not enough evidence against u, v, w and 2 more; 1.50")


def test_the_only_one_with_all_layers_says_so() -> None:
    alone = group_of("tinynet", [standing("a", 1.0, "fastest"), standing("b", None, timed=1, leading=1)])
    assert answer(alone).lead == "the only one with comparable times for all layers"


def test_where_nobody_has_all_layers_the_one_that_leads_most_is_named() -> None:
    why = "no backend has comparable times for all layers"
    split = group_of("tinynet", [standing("a", None, timed=1, leading=1), standing("b", None, timed=1, leading=1)])
    assert answer(split) == NetworkAnswer("tinynet", 1, "a and b", "", why, "1 of 2")


def test_a_network_of_which_a_layer_is_missing_has_no_winner() -> None:
    found = [standing("a", None, timed=1, leading=1), standing("b", None, timed=1)]
    part = group_of("tinynet", found, missing=LAYERS[1:])
    said = ("none", "", "without a time: second", "incomplete: 1 of 2")
    assert answer(part) == NetworkAnswer("tinynet", 1, *said, whole=False)
    assert headline([part]) == f"{NONE_FASTEST} Incomplete, and so without a winner: tinynet (1 of 2 layers)."


def test_of_many_missing_layers_the_first_are_named() -> None:
    layers = tuple(GroupRow(name, f"n{number}c8h4w4-o8", 1) for number, name in enumerate("vwxyz", 1))
    nothing = answer(group_of("tinynet", [], layers=layers, missing=layers))
    assert (nothing.lead, nothing.layers) == ("without a time: v, w, x and 2 more", "incomplete: 0 of 5")
    three = answer(group_of("tinynet", [], layers=layers, missing=layers[:3]))
    assert three.lead == "without a time: v, w and x"


def test_a_sweep_of_which_a_point_is_missing_says_so_and_still_who_leads_most_often() -> None:
    part = group_of("sweep-batch", [standing("a", 1.0, "fastest", leading=1)], missing=LAYERS[1:])
    assert answer(part) == NetworkAnswer("sweep-batch", 1, "a", "", "", "1 of 1, 1 without a time", whole=False)
    nothing = answer(group_of("sweep-batch", [], missing=LAYERS))
    assert (nothing.fastest, nothing.lead) == ("none", "no backend has a valid time")
    assert nothing.layers == "0 of 0, 2 without a time"


def test_the_headline_names_what_is_incomplete_once_for_all_thread_budgets() -> None:
    whole = network("a", name="whole")
    parts = [group_of("tinynet", [], missing=LAYERS, threads=threads) for threads in (1, 2)]
    assert headline([whole, *parts]).endswith("Incomplete, and so without a winner: tinynet (0 of 2 layers).")


def test_of_a_sweep_or_a_collection_no_sum_is_said() -> None:
    standings = [standing("a", 1.0, "fastest", leading=1), standing("b", 2.0, leading=2)]
    for name in ("sweep-batch", "basics"):
        assert answer(group_of(name, standings)) == NetworkAnswer(name, 1, "b", "", "", "2 of 2")


def test_where_nothing_was_compared_nobody_leads() -> None:
    alone = group_of("tinynet", [standing("a", 1.0, leading=0), standing("b", 1.0, leading=0)])
    assert answer(alone) == NetworkAnswer("tinynet", 1, "none", "", "the evidence names none", "0 of 2")


def test_where_nothing_is_valid_nobody_is_named() -> None:
    failed = group_of("tinynet", [standing("a", None, timed=0, leading=0)], missing=LAYERS)
    said = ("none", "", "without a time: first and second", "incomplete: 0 of 2")
    assert answer(failed) == NetworkAnswer("tinynet", 1, *said, whole=False)


# --- a whole run --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ([], NONE_FASTEST),
        (
            [group_of("sweep-batch", [standing("a", 1.0, "fastest", leading=1)])],
            "No network was measured. Fastest or the same within 2 % most often: on sweep-batch a (1 of 2).",
        ),
        (
            [group_of("basics", [standing("a", 1.0, leading=0)], threads=threads) for threads in (1, 1, 2, 2)],
            "No network was measured. Fastest or the same within 2 % most often: on basics with 1 thread nobody, as "
            "the evidence names none (0 of 2); on basics with 1 thread nobody, as the evidence names none (0 of 2); on "
            "basics with 2 threads nobody, as the evidence names none (0 of 2); 1 more below.",
        ),
        ([group_of("tinynet", [standing("a", None, timed=1)])], NONE_FASTEST),
        ([group_of("tinynet", [standing("a", 1.0, "fastest")])], "On tinynet, only a has times."),
        ([network("a")], f"On tinynet, a is fastest: 1.50{CROSS} [1.40, 1.60] ahead of c."),
        (
            [network("a", "b")],
            f"On tinynet, a and b are fastest: the same within 2 %; 1.50{CROSS} [1.40, 1.60] ahead of c.",
        ),
        (
            [network("a", undecided=("b",))],
            "On tinynet, the evidence does not tell who is fastest; a is ahead: not enough evidence against b; "
            f"1.50{CROSS} [1.40, 1.60] ahead of c.",
        ),
        (
            [network("a", name="x"), network("a", "b", name="y"), network("a", undecided=("b",), name="z")],
            "Of 3 networks, a is fastest on 1, 1 ends in a tie and on 1 the evidence does not tell.",
        ),
        ([network("a", name=name) for name in "xy"], "Of 2 networks, a is fastest on 2."),
        (
            [network(best, name=name) for name, best in zip("vwxyz", "babaz", strict=True)],
            "Of 5 networks, a is fastest on 2, b is fastest on 2 and z is fastest on 1.",
        ),
        (
            [network("a", name="x"), network("a", "b", name="y")],
            "Of 2 networks, a is fastest on 1 and 1 ends in a tie.",
        ),
        (
            [network("a", "b", name="x"), network("a", "b", name="y")],
            "Of 2 networks, 2 end in a tie.",
        ),
        (
            [network("a"), network("b", threads=2)],
            "Of 2 cases (1 network, 2 thread budgets), a is fastest on 1 and b is fastest on 1.",
        ),
        (
            [network("a", name=name, threads=threads) for name in "xy" for threads in (1, 2)],
            "Of 4 cases (2 networks, 2 thread budgets), a is fastest on 4.",
        ),
    ],
)
def test_a_run_in_one_sentence(groups: list[ReportGroup], said: str) -> None:
    assert headline(groups) == said


def test_verdicts_are_counted() -> None:
    verdicts = ["faster"] * 1500 + ["slower"] * 2 + ["same"] * 3 + ["undecided"] * 4
    said = "1,509 pairs compared: 1,502 decided, 3 the same within 2 %, 4 undecided"
    assert verdict_counts(pd.DataFrame({"verdict": verdicts})) == said
    nothing = "0 pairs compared: 0 decided, 0 the same within 2 %, 0 undecided"
    assert verdict_counts(pd.DataFrame({"verdict": []})) == nothing
    among_many = verdict_counts(pd.DataFrame({"verdict": verdicts}), some_only=True)
    assert among_many.startswith(
        f"{said}; where more than {MOST_AGAINST_ALL} backends met, the {MOST_AGAINST_ALL} fastest"
    )
