"""What is seen first of a network: its sentence by hand, bars against any baseline, and what would settle it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make_run import cell, noisy, run_of

from pointwise_bench.report.analysis import comparisons
from pointwise_bench.report.pages.network_view import _FOR_PASSES, NetworkView, network_view, sentence_of
from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.pages.site import write_site
from pointwise_bench.report.pages.terminal_table import terminal_table
from pointwise_bench.report.plots.style import looks
from pointwise_bench.report.statistics import chosen_pairs
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.run.options import parse_duration

FIRST, SECOND = "n1c64h28w28-o128", "n1c128h14w14-o64"


def view_of(tmp_path: Path, cells: list[dict[str, Any]], baseline: str | None = None, **changed: Any) -> NetworkView:
    found = analyse(run_of(tmp_path, cells, **changed), baseline)
    return network_view(found.run, found.groups[0], found.timings, found.baseline, looks(found.run.backends))


def timed(backend: str, seconds: float, problem: str = FIRST, **changed: Any) -> dict[str, Any]:
    return cell(backend, problem, [seconds] * 9, **changed)


def test_the_sentence_says_which_how_far_ahead_of_the_roof_and_over_what_people_use(tmp_path: Path) -> None:
    """Backend a takes 1 ms of FIRST: 2 x 64 x 128 x 784 flops at 100 GFLOP/s are 0.128 ms, an eighth."""
    view = view_of(tmp_path, [timed("a", 1e-3), timed("b", 1.2e-3), timed("torch-conv2d", 1.7e-3)])
    sentence = view.sentence
    assert (sentence.title, sentence.use, sentence.sure) == ("tinynet, 1 thread", "use a", True)
    ahead, roof, over = sentence.rest.replace("\u00d7", "x").split("; ")
    assert ahead.startswith("1.20x faster than b [1.1") or ahead.startswith("1.20x faster than b [1.2")
    assert roof == "13 % of what this machine can do"
    assert over == "1.70x over torch-conv2d"
    assert view.command == ""


def test_a_run_that_has_to_be_measured_again_says_perhaps(tmp_path: Path) -> None:
    """A fixed piece of work took ten times its usual time in most rounds, which no pair of times survives."""
    calm, disturbed = [1e-3] * 9, [*[1e-3] * 3, *[1e-2] * 6]
    for canary, use, sure in ((calm, "use a", True), (disturbed, "perhaps a", False)):
        cells = [timed(name, seconds, canary_s=canary) for name, seconds in (("a", 1e-3), ("b", 1.2e-3))]
        found = analyse(run_of(tmp_path / use[0], cells), None)
        light = found.light.level == "again"
        sentence = sentence_of(found.groups[0], None, doubted=light)
        assert (sentence.use, sentence.sure, light) == (use, sure, not sure)
        assert ("this run has to be measured again" in sentence.rest) is light
        view = network_view(found.run, found.groups[0], found.timings, None, looks(found.run.backends), light)
        assert [bar.sign for bar in view.bars] == ["ahead" if light else "fastest", "slower"]


def test_two_that_never_met_on_a_layer_have_a_bar_without_an_interval(tmp_path: Path) -> None:
    """Who had only what time was left beside the fastest, and the baseline: the whole report ended in a traceback."""
    apart = list(range(1000, 1009))
    cells = [timed("a", 1e-3, problem) for problem in (FIRST, SECOND)]
    cells += [timed("b", 1.5e-3), timed("b", 1.5e-3, SECOND), timed("c", 2e-3), timed("c", 2e-3, SECOND, round=apart)]
    run = run_of(tmp_path, cells)
    view = view_of(tmp_path / "view", cells, baseline="b")
    bars = {bar.backend: bar for bar in view.bars}
    assert bars["c"].text == "0.75\u00d7, never in the same rounds"
    assert (bars["c"].low, bars["c"].high) == (0.0, 100.0)
    assert bars["a"].text.startswith("1.50\u00d7 [")
    assert 99 < bars["a"].length <= 100
    ends = [[entry[2:] for entry in row] for row in json.loads(view.ratios)]  # of a, b and c over each of them
    apart_from_c = [at for at, row in enumerate(ends) for end in row if end == [None, None]]
    assert apart_from_c == [0, 1, 2, 2]
    write_site([analyse(run, "b")], tmp_path / "out")
    assert "never in the same rounds" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


def test_who_is_very_far_behind_has_an_interval_all_the_same(tmp_path: Path) -> None:
    """Over ten thousand times an end had been taken for none, once a reader had chosen another baseline."""
    view = view_of(tmp_path, [timed("a", 1e-6), timed("b", 5e-2)])
    (_, over_a), (over_b, _) = json.loads(view.ratios)
    for (_, ratio, low, high), expected in ((over_a, 5e4), (over_b, 2e-5)):
        assert low <= ratio <= high
        assert all(end == pytest.approx(expected, rel=0.2) for end in (ratio, low, high))


def test_above_the_roof_no_share_is_told(tmp_path: Path) -> None:
    """0.1 ms of 0.128: the ceiling was measured while something else ran. In the table of the terminal, too."""
    cells = [timed("a", 1e-4), timed("b", 2e-4)]
    assert view_of(tmp_path, cells).sentence.rest.endswith("; above the roof, which was measured too low")
    assert terminal_table(analyse(run_of(tmp_path / "again", cells), None))[1].endswith("  above it")


def test_equal_not_enough_evidence_and_slower_are_different_signs_in_sentence_and_bars(tmp_path: Path) -> None:
    wild = np.random.default_rng(1).lognormal(0.1, 0.5, 9) * 1e-3
    cells = [timed("a", 1e-3), timed("b", 1e-3), cell("c", FIRST, wild), timed("d", 4e-3)]
    view = view_of(tmp_path, cells)
    assert {bar.backend: bar.sign for bar in view.bars} == {
        "a": "ahead",  # "fastest" beside "perhaps" would say two things
        "b": "same",
        "c": "undecided",
        "d": "slower",
    }
    assert view.sentence.use == "perhaps a or b"
    assert not view.sentence.sure
    assert view.sentence.rest.startswith("= equal within 2 %; ? not enough evidence against c (")
    assert view.command == ("pointwise-bench run --shapes tinynet --backend a --backend b --backend c --threads 1")


def test_the_ratio_over_what_people_use_is_said_once(tmp_path: Path) -> None:
    """Also where that is the one against which there is not enough evidence."""
    wild = np.random.default_rng(1).lognormal(0.1, 0.5, 9) * 1e-3
    cells = [timed("a", 1e-3), cell("torch-conv2d", FIRST, wild), timed("d", 4e-3)]
    rest = view_of(tmp_path, cells).sentence.rest
    assert rest.startswith("? not enough evidence against torch-conv2d (")
    assert rest.count("torch-conv2d") == 1


def test_an_incomplete_network_has_no_bar_and_names_what_is_missing_and_what_measures_it(tmp_path: Path) -> None:
    cells = [timed("a", 1e-3, name="early"), cell("a", SECOND, name="late"), timed("b", 2e-3, name="early")]
    view = view_of(tmp_path, cells)
    assert view.sentence.use == "no total and no winner"
    assert view.sentence.rest == "1 of 2 layers have a time; missing: late"
    assert (view.bars, view.menu, view.baseline) == ((), (), "")
    assert view.incomplete == (("a", "1 of 2 layers"), ("b", "1 of 2 layers"))
    assert view.command == "pointwise-bench run --shapes tinynet --threads 1"


def test_bars_are_speeds_over_the_baseline_and_ends_hold_them(tmp_path: Path) -> None:
    """Backend b is twice as fast as the baseline a, c half as fast: of the longest, 100, 50 and 25 percent."""
    view = view_of(tmp_path, [timed("a", 2e-3), timed("b", 1e-3), timed("c", 4e-3)], "a")
    assert [bar.backend for bar in view.bars] == ["b", "a", "c"]
    longest = view.bars[0].high
    assert longest == 100
    lengths = [bar.length for bar in view.bars]
    assert [one / lengths[0] for one in lengths] == pytest.approx([1, 0.5, 0.25], abs=1e-3)
    assert all(bar.low <= bar.length <= bar.high for bar in view.bars)
    assert view.one == lengths[1]
    assert [bar.text.partition(" ")[0].rstrip("\u00d7") for bar in view.bars] == ["2.00", "baseline", "0.50"]
    assert [bar.total for bar in view.bars] == ["1.00 ms", "2.00 ms", "4.00 ms"]


def test_the_page_holds_every_two_ratios_for_the_menu(tmp_path: Path) -> None:
    view = view_of(tmp_path, [timed("a", 2e-3), timed("b", 1e-3), timed("c", 4e-3)], "a")
    assert view.menu == ("b", "a", "c")
    rows = json.loads(view.ratios)
    assert [[entry[1] for entry in row] for row in rows] == [[1, 2, 4], [0.5, 1, 2], [0.25, 0.5, 1]]
    assert all(low <= middle <= high for row in rows for _, middle, low, high in row)
    assert [entry[0] for entry in rows[view.menu.index("a")]] == [bar.text for bar in view.bars]
    assert [row[place][0] for place, row in enumerate(rows)] == ["baseline"] * 3


def test_of_very_many_backends_the_menu_has_those_that_all_are_compared_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (comparisons, chosen_pairs):
        monkeypatch.setattr(module, "MOST_AGAINST_ALL", 2)
    cells = [timed(name, 1e-3 * (2 + place)) for place, name in enumerate("abcde")]
    run = run_of(tmp_path, cells)
    for baseline, menu in (("b", ("a", "b")), ("e", ("a", "b", "e"))):
        found = analyse(run, baseline)
        view = network_view(run, found.groups[0], found.timings, baseline, looks(run.backends))
        assert (view.baseline, view.menu) == (baseline, menu)
        assert [bar.backend for bar in view.bars] == list("abcde")
        assert "NaN" not in view.ratios
        assert all(bar.length > 0 for bar in view.bars)
        compared = found.groups[0].compared
        assert compared is not None
        assert compared.references == set(menu)
        assert math.isnan(compared.over("c")["d"].ratio)
        assert compared.over("c")["c"].ratio == 1
        assert [standing.sign for standing in found.groups[0].standings] == ["fastest", *["slower"] * 4]


def test_headline_and_totals_are_one_truth(tmp_path: Path) -> None:
    """The ratio of the totals beside it lies within the interval of the sentence."""
    cells = [
        cell(name, one, noisy(seconds, seed, 0.05))
        for seed, (name, one, seconds) in enumerate(
            [("a", FIRST, 1e-3), ("b", FIRST, 1.3e-3), ("a", SECOND, 2e-3), ("b", SECOND, 2.4e-3)]
        )
    ]
    first, second = view_of(tmp_path, cells, "b").bars
    ratio = float(second.total.split()[0]) / float(first.total.split()[0])
    low, high = first.text.partition("[")[2].rstrip("]").split(", ")
    assert float(low) <= ratio <= float(high)


def test_those_without_any_time_are_folded_away_with_their_reason(tmp_path: Path) -> None:
    cells = [timed("a", 1e-3), cell("gpu", FIRST, status="unavailable", reason="no device")]
    assert view_of(tmp_path, cells).absent == (("gpu", "unavailable: no device"),)


def test_the_layers_that_take_most_of_the_time_are_named_with_their_share(tmp_path: Path) -> None:
    """Not where there are no others: then the strip says it all."""
    sizes = {"small": 32, "large": 128, "middle": 64, "tiny": 16}
    cells = [
        cell("a", f"n1c{size}h8w8-o{size}", [1e-3 * size] * 9, name=name, count=1 + (name == "middle"))
        for name, size in sizes.items()
    ]
    run = run_of(tmp_path / "four", cells)
    found = analyse(run)
    view = network_view(run, found.groups[0], found.timings, None, looks(run.backends))
    assert [(one.name, round(one.share)) for one in view.heaviest] == [("large", 42), ("middle", 42), ("small", 11)]
    run = run_of(tmp_path / "three", cells[:3])
    found = analyse(run)
    assert network_view(run, found.groups[0], found.timings, None, looks(run.backends)).heaviest == ()


def test_who_is_alone_has_beaten_nobody(tmp_path: Path) -> None:
    """It was all that a short run had time for: no advice follows from it."""
    sentence = view_of(tmp_path, [timed("a", 1e-3)]).sentence
    assert (sentence.use, sentence.sure) == ("only a has times", False)
    beside_one_that_failed = [timed("a", 1e-3), cell("b", FIRST)]
    assert view_of(tmp_path / "failed", beside_one_that_failed).sentence.use == "only a has times"
    beside_one_with_a_part = [timed("a", 1e-3), timed("a", 1e-3, SECOND), timed("b", 1e-3), cell("b", SECOND)]
    assert view_of(tmp_path / "part", beside_one_with_a_part).sentence.use == "use a"


PASSES = {"group": "tinynet", "threads": 1, "alone_s": [1e-3] * 9}


def measured(backend: str, over: float) -> dict[str, Any]:
    """Passes of a backend that took so many times the sum of their layers."""
    return PASSES | {"backend": backend, "sequence_s": [over * 1e-3] * 9}


def test_what_all_layers_take_in_one_pass_is_said_by_the_passes_of_this_run(tmp_path: Path) -> None:
    """Of a steady 1 ms at 1.5 times, 1.5 ms; of each backend with passes, the fastest first."""
    cells = [timed("a", 1e-3), timed("b", 2e-3), timed("c", 3e-3)]
    passes = [measured("b", 9.0), measured("b", 1.25), measured("a", 1.5)]  # of two the later one counts
    view = view_of(tmp_path, cells, in_sequence=passes)
    said = view.in_one_pass.replace("\u00d7", "x")
    assert said.startswith(
        "In a forward pass each layer comes once, with weights of its own. For all of them is expected"
    )
    assert said.endswith(
        ": 1.50 ms [1.50 ms, 1.50 ms] of a, of which 9 passes took 1.50 ms, 1.50x [1.50, 1.50] its layers "
        "alone beside them; "
        "2.50 ms [2.50 ms, 2.50 ms] of b, of which 9 passes took 1.25 ms, 1.25x [1.25, 1.25] its layers alone "
        "beside them."
    )
    assert view.pass_command == ""


def test_a_run_that_has_measured_no_pass_says_so_and_what_would_and_names_no_number(tmp_path: Path) -> None:
    """Nor one of other passes: of another network, or another number of threads, or too few of them."""
    few = {key: value[:5] if isinstance(value, list) else value for key, value in measured("a", 1.5).items()}
    cells = [timed("a", 1e-3), timed("b", 2e-3)]
    others = [measured("a", 1.5) | {"group": "another"}, measured("a", 1.5) | {"threads": 2}, few]
    for number, passes in enumerate(([], *([one] for one in others))):
        run = run_of(tmp_path / str(number), cells, in_sequence=passes)
        found = analyse(run, None)
        view = network_view(run, found.groups[0], found.timings, None, looks(run.backends))
        assert view.in_one_pass.endswith(
            "which as a rule takes longer than the sum shown here; this run has not measured it:"
        )
        assert not any(sign.isdigit() for sign in view.in_one_pass)
        assert view.pass_command == ("pointwise-bench run --shapes tinynet --backend a --threads 1 --time-budget 3m")
    write_site([found], tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert f'has not measured it: <code class="command">{view.pass_command}</code>' in page


def test_beside_a_device_the_fastest_of_the_processor_is_told(tmp_path: Path) -> None:
    cells = [timed("gpu", 1e-4, device="cuda"), timed("a", 1e-3), timed("b", 2e-3)]
    said = view_of(tmp_path / "some", cells, in_sequence=[measured("a", 1.5), measured("gpu", 1.1)]).in_one_pass
    assert "1.50 ms" in said
    assert "gpu" not in said
    assert "--backend a " in view_of(tmp_path / "none", cells).pass_command


def test_the_command_has_time_for_passes() -> None:
    assert parse_duration(_FOR_PASSES) >= POLICY.sequence.shortest_budget_s


def test_of_what_is_no_pass_nothing_is_said(tmp_path: Path) -> None:
    """A sum was taken on another device, of what lay in no cache, of gradients; or it is of many models."""
    backward = f"{FIRST}-backward-input"
    for number, cells in enumerate(
        (
            [timed("a", 1e-3, device="cuda")],
            [timed("a", 1e-3, cache="cold")],
            [timed("a", 1e-3, backward)],
            [cell("a", FIRST)],
            [timed("a", 1e-3, group="sweep-image")],
            [timed("a", 1e-3, group="census")],
        )
    ):
        group = cells[0]["group"]
        view = view_of(tmp_path / str(number), cells, in_sequence=[measured("a", 1.5) | {"group": group}])
        assert (view.in_one_pass, view.pass_command) == ("", "")
