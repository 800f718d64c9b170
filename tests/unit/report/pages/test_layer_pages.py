"""Everything that was measured of a layer, on its page: figures by hand, and a limit that no layer breaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from make_run import cell, run_of

from pointwise_bench.report.pages.layer_pages import (
    MOST_OF_A_LAYER,
    LayerDetails,
    cells_by_key,
    details_of,
    page_numbers,
)
from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.plots.style import looks

PROBLEM, OTHER = "n1c64h28w28-o128", "n1c128h14w14-o64"


def layers_of(tmp_path: Path, cells: list[dict[str, Any]]) -> list[list[LayerDetails]]:
    found = analyse(run_of(tmp_path, cells))
    return details_of(found.run, found.groups[0], found.timings, cells_by_key(found.run), looks(found.run.backends))


def test_a_row_says_time_share_of_the_roof_error_costs_and_how_to_measure_it_again(tmp_path: Path) -> None:
    """128 x 64 x 784 x 2 flops at 100 GFLOP/s take 0.128 ms: 13 percent of a millisecond."""
    slow = cell("b", PROBLEM, [2e-3] * 9)
    quick = cell("a", PROBLEM, [1e-3] * 9, prepare_s=0.5, error_ratio=0.125, page_faults_per_call=3.5, name="early")
    ((layer,),) = layers_of(tmp_path, [slow | {"name": "early"}, quick])
    first, second = layer.timed
    assert (layer.name, layer.problem, first.backend, second.backend) == ("early", PROBLEM, "a", "b")
    assert (first.time, first.interval, first.sign) == ("1.00 ms", "1.00 ms to 1.00 ms", "fastest")
    assert (first.roof, first.error, first.prepare, first.faults) == ("13 % (compute)", "0.125", "500 ms", "3.50")
    assert (second.sign, first.samples.words) == ("slower", "9 rounds, 1.00 ms to 1.00 ms")
    assert first.command == f"pointwise-bench run --shapes {PROBLEM} --backend a --threads 1 --seed 1"


def test_who_has_no_time_is_there_with_the_reason(tmp_path: Path) -> None:
    ((layer,),) = layers_of(tmp_path, [cell("a", PROBLEM, [1e-3] * 9), cell("b", PROBLEM, status="wrong", reason="no")])
    assert layer.failed == (("b", "wrong", "no"),)
    assert layer.rows == 2


def test_of_a_layer_with_very_many_backends_the_first_are_shown_and_the_others_counted(tmp_path: Path) -> None:
    cells = [cell(f"b{number:04}", PROBLEM, reason="none") for number in range(MOST_OF_A_LAYER + 7)]
    ((layer,),) = layers_of(tmp_path, cells)
    assert (len(layer.failed), layer.further) == (MOST_OF_A_LAYER, 7)


def test_layers_stand_in_the_order_of_the_network_and_know_their_page(tmp_path: Path) -> None:
    pages = layers_of(tmp_path, [cell("a", OTHER, [1e-3] * 9), cell("a", PROBLEM, [1e-3] * 9)])
    assert [layer.problem for layer in pages[0]] == [OTHER, PROBLEM]
    assert page_numbers([pages[0][:1], pages[0][1:]]) == {1: 0, 2: 1}
