"""Rows of a problem as a problem of its own: the same answers and bounds as those rows have in the whole."""

from __future__ import annotations

import numpy as np
import pytest

from pointwise_bench import Problem
from pointwise_bench.suites.harness.verify import sampled_rows
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.sampled_rows import SampledRows

KINDS = [
    "n2c6h5w4-o4-s2-g2-bias-relu", "n2c6h5w4-o4-s2-g2-bias-relu-nhwc", "n1c8h3w3-o9-float64",
    "n2c5h4w4-o7-bfloat16-nhwc",
    "n2c6h5w4-o4-s2-g2-backward-input", "n1c8h3w3-o9-nhwc-backward-input", "n2c6h5w4-o4-s2-g2-bias-backward-weight",
    "n2c6h5w4-o5-nhwc-backward-weight", "n0c6h5w4-o4",
    "n2c6h5w4-o4-s2-g2-bias-add-relu", "n1c8h3w3-o9-add-silu-nhwc", "n2c5h4w4-o7-add-bfloat16-nhwc",
]  # fmt: skip


@pytest.mark.parametrize("text", KINDS)
def test_rows_have_the_answers_and_bounds_of_the_whole(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem.parse(text)
    for macs in (1, 10**9):
        monkeypatch.setattr(sampled_rows, "SAMPLED_MACS", macs)
        made = CaseSet.of(problem, seed=1)
        sampled = SampledRows.drawn(problem, made.real)
        case = sampled.case(made.first.inputs)
        assert made.first.allowed is not None
        assert case.allowed is not None
        np.testing.assert_allclose(case.answer, sampled.of(made.first.answer), rtol=1e-12, atol=1e-12)
        # Those of the whole are a little wider: see `CaseSet`.
        whole = sampled.of(made.first.allowed)
        assert (case.allowed <= whole * (1 + 1e-6)).all()
        assert (case.allowed >= whole * 0.97).all()


def test_as_many_rows_as_are_allowed_and_one_of_each_group_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem.parse("n1c8h3w3-o12-g2")  # a row of each group: 2 * 4 * 9 multiply-adds
    weights = CaseSet.of(problem, seed=1).real
    for macs, rows in ((1, 2), (72, 2), (150, 4), (10**6, 12)):
        monkeypatch.setattr(sampled_rows, "SAMPLED_MACS", macs)
        assert SampledRows.drawn(problem, weights).rows.size == rows


def test_which_rows_they_are_is_drawn_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampled_rows, "SAMPLED_MACS", 1)
    problem = Problem.parse("n1c8h3w3-o64")
    weights = CaseSet.of(problem, seed=1).real
    seen = {int(SampledRows.drawn(problem, weights).rows[0]) for _ in range(200)}
    assert len(seen) > 40
