"""Break-even against calls counted by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from make_run import cell, run_of

from pointwise_bench.report.analysis.overall.break_even import Payback, of_layers, of_networks
from pointwise_bench.report.pages.run_analysis import analyse

ONE, TWO = "n1c8h8w8-o8", "n1c8h16w16-o8"
# Until the first result 10 ms, 110 ms, 60 ms and 1010 ms; each further call 4, 2, 5 and 1 ms.
BACKENDS = {"soon": (8e-3, 4e-3), "packs": (108e-3, 2e-3), "slow": (58e-3, 5e-3), "compiles": (1008e-3, 1e-3)}
FIRST = 2e-3


def paybacks(tmp_path: Path, **changed: float) -> list[Payback]:
    cells = [
        cell(who, problem, [seconds] * 9, prepare_s=prepare, count=count, **{"first_call_s": FIRST} | changed)
        for problem, count in ((ONE, 1), (TWO, 3))
        for who, (prepare, seconds) in BACKENDS.items()
    ]
    found = analyse(run_of(tmp_path, cells))
    return [*of_networks(found.groups, found.timings), *of_layers(found.timings, found.comparisons)]


def test_calls_are_those_counted_by_hand(tmp_path: Path) -> None:
    _, layer, _ = paybacks(tmp_path)
    rows = {one.backend: one for one in layer.break_evens}
    # 110 ms - 10 ms are made up for by 4 ms - 2 ms in 50 calls after the first; 1010 - 110 by 2 - 1 in 900.
    assert {name: (one.state, one.rival, one.calls) for name, one in rows.items() if one.state != "never"} == {
        "soon": ("first", "", 1),
        "packs": ("after", "soon", 51),
        "compiles": ("after", "packs", 901),
    }
    assert (rows["slow"].state, rows["slow"].rival) == ("never", "soon")
    assert [one.backend for one in layer.break_evens] == ["compiles", "packs", "soon", "slow"]
    assert layer.ladder == ((1, "soon"), (51, "packs"), (901, "compiles"))


def test_it_is_the_same_whichever_name_stands_first_in_a_pair(tmp_path: Path) -> None:
    cells = [cell("a", ONE, [4e-3] * 9, prepare_s=8e-3), cell("z", ONE, [2e-3] * 9, prepare_s=108e-3)]
    found = analyse(run_of(tmp_path, cells))
    paid = [*of_networks(found.groups, found.timings), *of_layers(found.timings, found.comparisons)]
    assert [(one.break_evens[0].backend, one.break_evens[0].calls) for one in paid] == [("z", 51), ("z", 51)]


def test_after_so_many_calls_both_have_spent_the_same(tmp_path: Path) -> None:
    _, layer, _ = paybacks(tmp_path)
    spent = {one.backend: one.spent for one in layer.break_evens}
    for one in layer.break_evens:
        if one.state == "after":
            own, rival = (
                [spent[who].ahead + spent[who].call * (calls - 1) for calls in (one.calls - 1, one.calls)]
                for who in (one.backend, one.rival)
            )
            assert own[0] > rival[0]
            assert own[1] <= rival[1] * (1 + 1e-9)


def test_a_network_prepares_each_layer_as_often_as_it_occurs(tmp_path: Path) -> None:
    network, *_ = paybacks(tmp_path)
    rows = {one.backend: one for one in network.break_evens}
    assert network.is_network
    assert rows["packs"].spent == pytest.approx((4 * 110e-3, 4 * 2e-3))
    assert [(one.backend, one.calls) for one in network.break_evens if one.state == "after"] == [
        ("compiles", 901),
        ("packs", 51),
    ]


def test_an_open_pair_is_no_promise_and_an_equal_one_no_gain(tmp_path: Path) -> None:
    # Two rounds alone decide nothing; one percent is within the margin.
    rounds = {"a": [2e-3] * 9, "same": [1.99e-3] * 9}
    cells = [cell(who, ONE, each, prepare_s=0.1 * (who == "same")) for who, each in rounds.items()]
    cells += [cell("few", TWO, [1e-3] * 2, prepare_s=1.0), cell("b", TWO, [2e-3] * 2)]
    found = analyse(run_of(tmp_path, cells))
    states = {
        one.backend: one.state for each in of_layers(found.timings, found.comparisons) for one in each.break_evens
    }
    assert states == {"a": "first", "same": "never", "b": "first", "few": "open"}


def test_who_does_not_say_how_long_it_prepares_is_left_out(tmp_path: Path) -> None:
    assert paybacks(tmp_path, first_call_s=math.nan) == []


def test_a_network_of_which_a_layer_is_missing_has_none(tmp_path: Path) -> None:
    asked = [{"group": "tinynet", "name": "third", "threads": 1, "problem": "n1c9h8w8-o8", "count": 1}]
    cells = [cell(who, ONE, [seconds] * 9, prepare_s=prepare) for who, (prepare, seconds) in BACKENDS.items()]
    found = analyse(run_of(tmp_path, cells, selection=asked))
    assert of_networks(found.groups, found.timings) == []
