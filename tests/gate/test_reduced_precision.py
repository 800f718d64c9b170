"""A reduced arithmetic is declared: it is judged by its own bound, and is not what it is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from pointwise_bench import Backend, Problem
from pointwise_bench.backends.backend import faults_of_declaration
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.timing.judged_layer import JudgedLayer
from pointwise_bench.suites.harness.verify import error_bounds as bounds
from pointwise_bench.suites.harness.verify.cases import CaseSet

PROBLEM = Problem(batch=2, in_channels=12, out_channels=16, height=6, width=5, bias=True)
LONG = Problem(batch=1, in_channels=1024, out_channels=16, height=4, width=4)


def tensor_float_32(array: Any) -> Any:
    """Ten bits of the mantissa, rounded to nearest: thirteen fewer than float32 has."""
    bits = array.view(np.uint32)
    return ((bits + 0xFFF + (bits >> 13 & 1)) & np.uint32(0xFFFFE000)).view(np.float32)


class Rounding(Backend):
    """Operands rounded by ``rounded``, sums in float32: what a tensor core does."""

    name = "rounding"
    arithmetic = "tf32"
    rounded = staticmethod(tensor_float_32)

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """One product by image."""
        kernel, addend = self.rounded(weight), 0 if bias is None else bias[:, None]

        def layer(x: Any) -> Any:
            columns = np.nan_to_num(x, nan=np.nan).reshape(problem.batch, problem.in_channels, -1)
            finite = np.where(np.isfinite(columns), self.rounded(columns.copy()), columns)
            return (kernel @ finite + addend).reshape(problem.output_shape)

        return layer


class Undeclared(Rounding):
    """The same, without saying so."""

    arithmetic = "own"


class Coarser(Rounding):
    """Says TensorFloat-32 and is bfloat16, with seven bits."""

    rounded = staticmethod(lambda array: array.astype(ml_dtypes.bfloat16).astype(np.float32))


class Unknown(Rounding):
    """An arithmetic that nobody has heard of."""

    arithmetic = "int3"


def set_up(backend: Backend, problem: Problem) -> float | None:
    timed_layer = JudgedLayer(backend, threads=1)
    timed_layer.set_up(problem, CaseSet.of(problem, seed=1))
    timed_layer.turn(2, 0.0)
    return timed_layer.finish().error_ratio


@pytest.mark.parametrize("problem", [PROBLEM, LONG], ids=str)
def test_declared_it_passes_by_its_own_bound(problem: Problem) -> None:
    ratio = set_up(Rounding(), problem)
    assert ratio is not None
    assert 0.01 < ratio <= 1


@pytest.mark.parametrize("problem", [PROBLEM, LONG], ids=str)
def test_undeclared_it_is_wrong(problem: Problem) -> None:
    with pytest.raises(WrongAnswer, match=r"precision probe 1 \+ 2\^-12"):
        set_up(Undeclared(), problem)


def test_a_coarser_one_than_declared_is_wrong() -> None:
    with pytest.raises(WrongAnswer, match="times what tf32 with sums in float32 allows"):
        set_up(Coarser(), PROBLEM)


def test_one_without_a_bound_is_wrong() -> None:
    with pytest.raises(WrongAnswer, match='declares arithmetic "int3", for which no bound is known: own, tf32'):
        set_up(Unknown(), PROBLEM)


def test_the_bound_by_hand() -> None:
    """Two operands off by 2^-11 each, and a sum of 12 products and a bias in float32."""
    own = bounds.allowed_error(PROBLEM)
    assert own * bounds.widening(PROBLEM, "tf32") == pytest.approx(own + 2.0**-10 + 2.0**-22, rel=1e-12)
    assert bounds.widening(PROBLEM, "own") == 1
    without_product = replace(PROBLEM, batch=0, bias=False, direction="backward-weight")
    assert bounds.widening(without_product, "tf32") == 1


def test_a_declaration_is_a_word() -> None:
    Unknown.arithmetic = "not a word"
    try:
        assert "arithmetic must be a lower-case word" in (faults_of_declaration(Unknown) or "")
    finally:
        Unknown.arithmetic = "int3"
