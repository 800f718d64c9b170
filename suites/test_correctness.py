"""Every backend, plugins included, on the same problems. Computed in worker processes, as in a run.

First what every backend is asked, whatever it costs: problems with every pair of properties, every edge once, work that
threads share, some problems that are drawn, and answers computed by hand. Behind that comes more of each, but not what
takes a backend more than ``DEAR_S``: a library that compiles for every shape would need ten minutes for what others
answer in ten seconds, and loops that are not compiled are quick only where a problem is small. Of the kinds, of the
edges, of the shared work and of the draws, too, a part is asked only of who takes no longer than that, and of the
answers by hand one form each. With ``POINTWISE_SOAK=1``, as ``tox run -e soak`` has it, everybody is asked all of it,
and the further edges, gradients and cuts in all of their forms, where a usual session has a part of them.

On one thread, but where threads can matter: a schedule is cut across them on problems of some size only. What the gate
judges by time is asked of every kind of problem, and not of every problem: see ``judged_by_time``.

How many problems are drawn, and what they find: a fault that shows on a share ``p`` of the problems drawn is missed by
``n`` of them with the probability ``(1 - p) ** n``. Counted in 3,000 draws, of those that a backend takes which has
float32 and float64 and forward only: an odd number of input channels has ``p = 0.28``, float64 in NHWC with a bias
0.09, a last row of an odd height at stride 2 0.04. ``FEWEST_DRAWS`` alone would miss them in 7, 49 and 74 of 100
sessions, ``DRAWS_OF_DEAR`` in 52, 83 and 92, and with :data:`MORE_DRAWS` in 0.003, 6 and 30 of 100, in the soak tier
in 3e-7, 0.5 and 10. So it is not draws that these faults are left to: the lists find all three in every session, which
``tests/gate/test_correctness_suite.py`` shows. Draws are for what no list foresees.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, reject, settings, strategies as st

from pointwise_bench import Problem
from pointwise_bench.suites.correctness.checked_backend import FEWEST_DRAWS, SOAK, CheckedBackend
from pointwise_bench.suites.correctness.counts import counted
from pointwise_bench.suites.correctness.problems import (
    DTYPES,
    LAYOUTS,
    cut_by_threads,
    edges,
    edges_in_half_precision,
    edges_of_gradients,
    further_edges,
    gradients_cut_by_threads,
    kinds,
    kinds_of_gradients,
    kinds_of_residuals,
    offered,
    one_of_each_cut,
    one_of_each_edge,
    problem_of,
    residuals_cut_by_threads,
    simpler_forms,
    small_problems,
    some_edges_in_half_precision,
    some_edges_of_gradients,
    some_more_cuts,
)
from pointwise_bench.suites.harness.verify.error_bounds import has_bound
from pointwise_bench.suites.harness.verify.reference import pointwise

if TYPE_CHECKING:
    from _pytest.mark.structures import ParameterSet

    from pointwise_bench.suites.harness.run.untimed.untimed_backends import UntimedBackends

Array = npt.NDArray[Any]

MORE_DRAWS: Final = 52 if SOAK else 24


@pytest.fixture
def backend(untimed_backends: UntimedBackends, backend_name: str, request: pytest.FixtureRequest) -> CheckedBackend:
    test = counted(request.node, backend_name)
    reason = test["missing"] = untimed_backends.missing(backend_name)
    if reason:
        pytest.skip(reason)
    return CheckedBackend(untimed_backends, test)


@pytest.fixture
def cheap_backend(backend: CheckedBackend) -> CheckedBackend:
    backend.skip_if_dear()
    return backend


# --- every pair of properties -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("problem", list(kinds()), ids=str)
def test_kinds(backend: CheckedBackend, problem: Problem) -> None:
    backend.pass_the_gate_in_turn(problem)


@pytest.mark.parametrize("problem", list(kinds_of_gradients()), ids=str)
def test_kinds_of_gradients(backend: CheckedBackend, problem: Problem) -> None:
    backend.pass_the_gate_in_turn(problem)


@pytest.mark.parametrize("problem", list(kinds_of_residuals()), ids=str)
def test_kinds_of_residuals(backend: CheckedBackend, problem: Problem) -> None:
    backend.pass_the_gate_in_turn(problem)


# --- every edge -------------------------------------------------------------------------------------------------------


def named(problems: Iterable[tuple[str, Problem]]) -> list[ParameterSet]:
    """Parameters of a test: what is special about each problem, and which it is."""
    return [pytest.param(problem, id=f"{what}:{problem}") for what, problem in problems]


def others(of: Iterable[tuple[str, Problem]], asked: Iterable[tuple[str, Problem]]) -> list[tuple[str, Problem]]:
    """Those that every backend is not asked already."""
    known = set(asked)
    return [each for each in of if each not in known]


@pytest.mark.parametrize("problem", named(one_of_each_edge()))
def test_edges(backend: CheckedBackend, problem: Problem) -> None:
    backend.pass_the_gate_in_turn(problem)


# --- work that threads share ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("problem", named(one_of_each_cut()))
def test_all_threads(backend: CheckedBackend, problem: Problem) -> None:
    backend.on_all_threads().pass_the_gate_in_turn(problem)


@pytest.mark.parametrize("problem", named(residuals_cut_by_threads()))
def test_residuals_on_all_threads(backend: CheckedBackend, problem: Problem) -> None:
    backend.on_all_threads().pass_the_gate_in_turn(problem)


# --- what is refused -----------------------------------------------------------------------------------------------


def test_takes_something(backend: CheckedBackend) -> None:
    """A backend that is available and refuses every problem would pass all other tests by skipping them."""
    reasons: list[str] = []
    for each in offered():  # up to the first that is taken: for most, that is the first
        if (reason := backend.refuses(each)) is None:
            return
        reasons.append(reason)
    pytest.fail(f"refuses all {len(reasons)} problems, the first because it {reasons[0]}", pytrace=False)


# --- the same again -----------------------------------------------------------------------------------------------


def test_the_same_input_gives_the_same_result(backend: CheckedBackend) -> None:
    """Computed twice with another problem between: neither a stale buffer nor a race may show."""
    problem = problem_of(batch=2, in_channels=32, out_channels=24, height=9, width=9, bias=True)
    other = problem_of(batch=2, in_channels=32, out_channels=24, height=9, width=9)
    x, weight = picture(problem), np.random.default_rng(1).standard_normal((24, 32))
    backend.on_all_threads()
    first = backend.compute(problem, x, weight, np.ones(24))
    backend.compute(other, picture(other, seed=2), weight)
    np.testing.assert_array_equal(backend.compute(problem, x, weight, np.ones(24)), first)


# --- all properties at once -------------------------------------------------------------------------------------------


def drawn(most: int) -> settings:
    """Anew in every session: no database, so that nothing is written and nothing is asked twice."""
    fixtures = HealthCheck.function_scoped_fixture  # of one test, for all of its draws
    return settings(max_examples=most, deadline=None, database=None, suppress_health_check=[fixtures])


@drawn(FEWEST_DRAWS)
@given(problem=small_problems(), seed=st.integers(0, 2**16))
def test_any_problem(backend: CheckedBackend, problem: Problem, seed: int) -> None:
    if not backend.has_drawn_enough():
        is_right(backend, problem, seed)


def is_right(backend: CheckedBackend, problem: Problem, seed: int) -> None:
    """The gate; on an empty batch, of which there is nothing to judge, the shape."""
    taken = (form for form in simpler_forms(problem) if has_bound(form) and backend.refuses(form) is None)
    problem = next(taken, None) or reject()
    if problem.batch or problem.direction != "forward":
        backend.pass_the_gate(problem, seed)
    else:
        nothing = np.empty((0, problem.in_channels, problem.height, problem.width))
        bias = np.ones(problem.out_channels) if problem.bias else None
        assert backend.compute(problem, nothing, np.ones(problem.weight_shape), bias).size == 0


# --- computed by hand ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_one_pixel_by_hand(backend: CheckedBackend, layout: str, dtype: str) -> None:
    backend.skip_if_dear_but((layout, dtype) == ("nchw", "float32"))
    y = backend.compute(problem_of(layout=layout, dtype=dtype), [3, 5], [[1, 2], [10, -1]])
    assert y.ravel().tolist() == [3 + 2 * 5, 10 * 3 - 5]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_bias_and_relu_by_hand(backend: CheckedBackend, layout: str) -> None:
    backend.skip_if_dear_but(layout == "nhwc")
    problem = problem_of(layout=layout, out_channels=3, bias=True, activation="relu")
    y = backend.compute(problem, [3, 5], [[1, 2], [1, -1], [1, -1]], bias=[0.5, 1.0, 2.5])
    assert y.ravel().tolist() == [13.5, 0.0, 0.5]  # 13 + 0.5; -2 + 1 is cut off; -2 + 2.5


@pytest.mark.parametrize("layout", LAYOUTS)
def test_stride_by_hand(backend: CheckedBackend, layout: str) -> None:
    """A picture of 3 rows and 4 columns: stride 2 reads rows 0 and 2, columns 0 and 2."""
    backend.skip_if_dear_but(layout == "nchw")
    problem = problem_of(in_channels=1, out_channels=1, height=3, width=4, stride=2, layout=layout)
    y = backend.compute(problem, [[0, 1, 2, 3], [10, 11, 12, 13], [20, 21, 22, 23]], [[2]])
    assert y[0, 0].tolist() == [[0, 4], [40, 44]]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_groups_by_hand(backend: CheckedBackend, layout: str) -> None:
    """Four channels in two groups: the first two outputs see channels 0 and 1, the last two 2 and 3."""
    backend.skip_if_dear_but(layout == "nhwc")
    problem = problem_of(in_channels=4, out_channels=4, groups=2, layout=layout)
    y = backend.compute(problem, [1, 2, 3, 4], [[1, 10], [10, 1], [1, 10], [10, 1]])
    assert y.ravel().tolist() == [21, 12, 43, 34]


# --- weights with a meaning ---------------------------------------------------------------------------------------


def picture(problem: Problem, seed: int = 0) -> Array:
    """Numbers of eight bits: every arithmetic that a backend may declare keeps them as they are."""
    shape = (problem.batch, problem.in_channels, problem.height, problem.width)
    return (np.random.default_rng(seed).integers(-255, 256, shape) / 64).astype(problem.dtype)


def square(**sizes: Any) -> Problem:
    """Two images of seven channels that stay seven. Tests share it: who compiles for a problem does so once."""
    return problem_of(batch=2, in_channels=7, out_channels=7, height=5, width=3, **sizes)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_identity_returns_the_input(backend: CheckedBackend, layout: str, dtype: str) -> None:
    backend.skip_if_dear_but((layout, dtype) == ("nchw", "float32"))
    problem = square(layout=layout, dtype=dtype)
    x = picture(problem)
    np.testing.assert_array_equal(backend.compute(problem, x, np.eye(7)), x)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_permutation_moves_channels(backend: CheckedBackend, layout: str) -> None:
    backend.skip_if_dear_but(layout == "nchw")
    problem = square(layout=layout)
    x, order = picture(problem), [3, 0, 6, 4, 1, 2, 5]
    np.testing.assert_array_equal(backend.compute(problem, x, np.eye(7)[order]), x[:, order])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_pixel_depends_on_itself_alone(backend: CheckedBackend, layout: str) -> None:
    backend.skip_if_dear_but(layout == "nchw")
    problem = square(layout=layout)
    x, weight = picture(problem), picture(problem_of(in_channels=7, height=7)).reshape(7, 7)
    moved = x.copy()
    moved[1, :, 3, 1] += 1
    changed = (backend.compute(problem, x, weight) != backend.compute(problem, moved, weight)).any(axis=1)
    assert np.argwhere(changed).tolist() == [[1, 3, 1]]


# --- values that are not numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("activation", ["none", "relu"])
def test_nan_and_infinity_reach_their_pixel_and_no_other(backend: CheckedBackend, layout: str, activation: str) -> None:
    backend.skip_if_dear_but((layout, activation) == ("nhwc", "relu"))
    problem = square(layout=layout, activation=activation)
    x = np.ones((2, 7, 5, 3), problem.dtype)
    x[0, 1, 0, 0], x[1, 2, 4, 2] = np.nan, np.inf
    y = backend.compute(problem, x, [[1, 2, 3, 0.5, 0.5, 0.5, 0.5], *[[1, 1, -1, 0.5, 0.5, 0.5, 0.5]] * 6])
    assert np.isnan(y[0, :, 0, 0]).all()
    assert y[1, :, 4, 2].tolist() == [np.inf, *[0.0 if activation == "relu" else -np.inf] * 6]
    others = np.delete(y.transpose(0, 2, 3, 1).reshape(30, 7), [0, 29], axis=0)
    assert (others == [8, 3, 3, 3, 3, 3, 3]).all()


# --- no image at all ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_empty_batch_gives_an_empty_result(backend: CheckedBackend, layout: str) -> None:
    problem = problem_of(batch=0, in_channels=4, out_channels=6, height=5, width=5, layout=layout, bias=True)
    adding = replace(problem, add=True)
    for each in (problem, adding) if backend.refuses(adding) is None else (problem,):
        y = backend.compute(each, np.empty((0, 4, 5, 5)), np.ones((6, 4)), np.ones(6))
        assert y.shape == (0, 6, 5, 5)


# --- more of each, unless an answer is dear ----------------------------------------------------------------


@drawn(MORE_DRAWS)
@given(problem=small_problems(), seed=st.integers(0, 2**16))
def test_many_more_problems(cheap_backend: CheckedBackend, problem: Problem, seed: int) -> None:
    is_right(cheap_backend, problem, seed)


@pytest.mark.parametrize("problem", named(others(edges(), one_of_each_edge()) if SOAK else further_edges()))
def test_edges_in_other_forms(cheap_backend: CheckedBackend, problem: Problem) -> None:
    cheap_backend.pass_the_gate_unless_dear(problem)


@pytest.mark.parametrize("problem", named(edges_in_half_precision() if SOAK else some_edges_in_half_precision()))
def test_half_precision(cheap_backend: CheckedBackend, problem: Problem) -> None:
    cheap_backend.pass_the_gate_unless_dear(problem)


@pytest.mark.parametrize("problem", named(edges_of_gradients() if SOAK else some_edges_of_gradients()))
def test_gradients(cheap_backend: CheckedBackend, problem: Problem) -> None:
    cheap_backend.pass_the_gate_unless_dear(problem)


def more_cuts() -> list[tuple[str, Problem]]:
    """Those that :func:`one_of_each_cut` leaves out, and those of gradients; a part of both, but in the soak tier."""
    every = [*others(cut_by_threads(), one_of_each_cut()), *gradients_cut_by_threads()]
    return every if SOAK else list(some_more_cuts())


@pytest.mark.parametrize("problem", named(more_cuts()))
def test_more_on_all_threads(cheap_backend: CheckedBackend, problem: Problem) -> None:
    cheap_backend.on_all_threads().pass_the_gate_unless_dear(problem)


# --- the reference ----------------------------------------------------------------------------------------------------


def test_the_reference_itself_by_hand() -> None:
    """The reference is held against the formula written out, one term at a time."""
    problem = problem_of(batch=2, in_channels=6, out_channels=4, height=5, width=4, stride=2, groups=2, bias=True,
                    activation="relu", layout="nhwc")  # fmt: skip
    rng = np.random.default_rng(3)
    x, weight = rng.integers(-9, 9, problem.input_shape), rng.integers(-9, 9, problem.weight_shape)
    bias = rng.integers(-9, 9, problem.out_channels)
    y = pointwise(problem, x, weight, bias)
    for n, i, j, o in np.ndindex(y.shape):
        first = 3 * (o // 2)
        terms = [int(weight[o, c]) * int(x[n, 2 * i, 2 * j, first + c]) for c in range(3)]
        assert y[n, i, j, o] == max(0, int(bias[o]) + sum(terms))
