"""What is said of a whole model: that it pays only where the interval says so, and what it is beside others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from make_run import run_of
from make_timed_model import MACHINE, timed_model, way, write_models

from pointwise_bench.report.analysis.collections.timed_models import (
    gain_over,
    layers_said,
    shown,
    verdict_of,
    whole_model_said,
)
from pointwise_bench.report.reading.timed_models import TimedModel, read_timed_models

OURS = timed_model()["ways"]["optimised"]["samples_s"]


def read(folder: Path, entry: dict[str, Any]) -> TimedModel:
    write_models(folder, [entry])
    ((found,), defects) = read_timed_models(folder, MACHINE)
    assert defects == ()
    return found


def with_ways(**changed: Any) -> dict[str, Any]:
    return timed_model(ways=timed_model()["ways"] | changed)


def test_five_lines_whoever_is_here(tmp_path: Path) -> None:
    said = shown(read(tmp_path, timed_model()))
    assert [(row.title, row.time, row.gain, row.reason) for row in said.rows] == [
        ("as it was", "2.00 ms", "2.00× [2.00, 2.00]", ""),  # noqa: RUF001
        ("optimised", "1.00 ms", "–", ""),  # noqa: RUF001
        ("without our kernel", "1.10 ms", "1.10× [1.10, 1.10]", ""),  # noqa: RUF001
        ("torch.compile", "1.01 ms", "? 1.01× [1.01, 1.01]", ""),  # noqa: RUF001
        ("ONNX Runtime", "–", "–", "not here: planted <reason>"),  # noqa: RUF001
    ]
    assert said.layers_said.startswith("2 layers")
    assert said.layers[0] == ("first", "oneDNN", "normalisation, relu", "oneDNN 1 us")
    assert said.evidence == "Input 1x3x8x8, 1 thread, 15 rounds in 3 starts, 2026-01-02"
    assert said.verdict == (
        "Optimised it is 2.00× [2.00, 2.00] as fast as it was, "  # noqa: RUF001
        "1.01× [1.01, 1.01] as fast as torch.compile (not told apart)."  # noqa: RUF001
    )


def test_the_ratio_is_of_rounds_and_not_of_medians(tmp_path: Path) -> None:
    """All are slow in the same rounds: the ratio holds, with a narrow interval."""
    slow = [one * (1 + number) for number, one in enumerate(OURS)]
    found = gain_over(read(tmp_path, with_ways(eager=way([1.5 * one for one in slow]), optimised=way(slow))), "eager")
    assert found is not None
    assert tuple(round(end, 9) for end in found) == (1.5, 1.5, 1.5)


def test_starts_that_disagree_widen_the_interval(tmp_path: Path) -> None:
    """Within starts rounds are steady: as if they were independent, the interval would lie above 1."""
    factors = [1.5 + 0.01 * number for number in range(5)] * 2 + [0.9 + 0.01 * number for number in range(5)]
    eager = way([factor * one for factor, one in zip(factors, OURS, strict=True)])
    apart = gain_over(read(tmp_path, with_ways(eager=eager)), "eager")
    alike = gain_over(read(tmp_path, with_ways(eager=eager) | {"start": [0, 1, 2] * 5}), "eager")
    assert apart is not None
    assert alike is not None
    assert apart.high - apart.low > alike.high - alike.low
    assert apart.low < 1


LEAVE = [
    (timed_model(1.01), "Leave it as it is: optimised it is 1.01× [1.01, 1.01] as fast as it was"),  # noqa: RUF001
    (timed_model(0.8), "Leave it as it is: optimised it is 0.80× [0.80, 0.80] as fast as it was"),  # noqa: RUF001
    (timed_model(used=[False] * 3, why=["left: planted"] * 3), "(left: planted)."),
    (with_ways(optimised=way(status="wrong", reason="differs")), "nothing is known of the optimised model (differs)."),
]


@pytest.mark.parametrize(("entry", "said"), LEAVE)
def test_where_it_does_not_win_it_says_so(entry: dict[str, Any], said: str, tmp_path: Path) -> None:
    verdict = verdict_of(read(tmp_path, entry))
    assert verdict.startswith("Leave it as it is: ")
    assert said in verdict


def test_where_it_does_not_win_who_is_faster_is_told(tmp_path: Path) -> None:
    rivals = {name: way([0.5 * one for one in OURS]) for name in ("torch.compile", "onnxruntime")}
    left = read(tmp_path, with_ways(**rivals) | {"used": [False] * 3, "why": ["left"] * 3})
    assert verdict_of(left).endswith("(left). torch.compile and ONNX Runtime are surely faster.")


def test_too_few_rounds_are_no_evidence(tmp_path: Path) -> None:
    few = timed_model(start=[0] * 5, ways={"eager": way([2.0] * 5), "optimised": way([1.0] * 5)})
    assert "too few rounds for an interval" in verdict_of(read(tmp_path, few))


def test_a_start_that_left_it_alone_and_a_faster_rival_are_told(tmp_path: Path) -> None:
    entry = with_ways(onnxruntime=way([0.5 * one for one in OURS])) | {"used": [True, False, True]}
    verdict = verdict_of(read(tmp_path, entry))
    assert "0.50× [0.50, 0.50] as fast as ONNX Runtime (which is faster)" in verdict  # noqa: RUF001
    assert verdict.endswith("; in 1 of 3 starts it was left as it was.")


def test_layers_are_counted_by_who_computes_them(tmp_path: Path) -> None:
    assert layers_said(read(tmp_path, timed_model())) == "2 layers: 1 by oneDNN, 1 by modules or oneDNN"
    left = read(tmp_path, timed_model(used=[False] * 3, layers=timed_model()["layers"][:1]))
    assert layers_said(left) == "1 layer: 1 by oneDNN, were the model not left as it was"
    assert layers_said(read(tmp_path, timed_model(layers=[]))) == ""


def test_a_group_of_the_model_has_its_sentence(tmp_path: Path) -> None:
    models = {"layers-of-net": {"title": "torchvision:<net>", "multiply_adds": 1, "left_out": []}}
    write_models(tmp_path / MACHINE, [timed_model()])
    run = run_of(tmp_path, [], models=models)
    assert whole_model_said(run, "layers-of-net", 1).startswith("The whole model: Optimised it is 2.00×")  # noqa: RUF001
    assert whole_model_said(run, "layers-of-net", 2) == whole_model_said(run, "other", 1) == ""
