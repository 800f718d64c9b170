"""Every backend, plugins included, on the same problems. Computed in worker processes, as in a run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies as st

from pointwise_bench import Problem
from pointwise_bench.suites.correctness_counts import CountedTest, counted
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.verify.cases import Weights
from pointwise_bench.suites.harness.verify.error_bounds import has_bound
from pointwise_bench.suites.harness.verify.reference import pointwise

if TYPE_CHECKING:
    from pointwise_bench.suites.harness.run.untimed import UntimedBackends

Array = npt.NDArray[Any]

LAYOUTS = ("nchw", "nhwc")
DTYPES = ("float32", "float64")
HALVES = ("float16", "bfloat16")


class CheckedBackend:
    """One backend, and what the tests below ask of it."""

    def __init__(self, untimed_backends: UntimedBackends, test: CountedTest) -> None:
        self._untimed_backends = untimed_backends
        self._backend = test["backend"]
        self._test = test

    def compute(self, problem: Problem, planes: Any, weight: Any, bias: Any = None) -> Array:
        """The result in (batch, channel, row, column) order for an input in that order; skips where it refuses."""
        self._skip_if_refused(problem)
        x = np.array(planes, problem.dtype).reshape(problem.batch, problem.in_channels, problem.height, problem.width)
        if problem.layout == "nhwc":
            x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
        weights = Weights(
            weight=np.array(weight, problem.dtype).reshape(problem.weight_shape),
            bias=None if bias is None else np.array(bias, problem.dtype),
        )
        y = self._untimed_backends.apply(self._backend, problem, weights, x)
        assert y.shape == problem.output_shape
        assert y.dtype == problem.dtype
        return y if problem.layout == "nchw" else y.transpose(0, 3, 1, 2)

    def pass_the_gate(self, problem: Problem, seed: int = 0) -> None:
        """Integers, reals, probe, NaN and infinity, repeated and read-only inputs; skips where it refuses."""
        self._skip_if_refused(problem)
        try:
            self._untimed_backends.verify(self._backend, problem, seed)
        except Ended as ended:
            pytest.fail(f"{self._backend} on {problem}: {ended}", pytrace=False)

    def refuses(self, problem: Problem) -> str | None:
        """Why the backend, or the gate, leaves the problem out."""
        return self._untimed_backends.refuses(self._backend, problem)

    def _skip_if_refused(self, problem: Problem) -> None:
        reason = self._test["refused"] = self.refuses(problem)
        self._test["problem"] = problem.id
        if reason:
            pytest.skip(f"{self._backend} refuses {problem}: {reason}")


@pytest.fixture
def backend(untimed_backends: UntimedBackends, backend_name: str, request: pytest.FixtureRequest) -> CheckedBackend:
    test = counted(request.node, backend_name)
    reason = test["missing"] = untimed_backends.missing(backend_name)
    if reason:
        pytest.skip(reason)
    return CheckedBackend(untimed_backends, test)


def problem_of(**sizes: Any) -> Problem:
    usual = {"batch": 1, "in_channels": 2, "out_channels": 2, "height": 1, "width": 1}
    return Problem(**(usual | sizes))


# --- computed by hand ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_one_pixel_by_hand(backend: CheckedBackend, layout: str, dtype: str) -> None:
    y = backend.compute(problem_of(layout=layout, dtype=dtype), [3, 5], [[1, 2], [10, -1]])
    assert y.ravel().tolist() == [3 + 2 * 5, 10 * 3 - 5]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_bias_and_relu_by_hand(backend: CheckedBackend, layout: str) -> None:
    problem = problem_of(layout=layout, out_channels=3, bias=True, activation="relu")
    y = backend.compute(problem, [3, 5], [[1, 2], [1, -1], [1, -1]], bias=[0.5, 1.0, 2.5])
    assert y.ravel().tolist() == [13.5, 0.0, 0.5]  # 13 + 0.5; -2 + 1 is cut off; -2 + 2.5


@pytest.mark.parametrize("layout", LAYOUTS)
def test_stride_by_hand(backend: CheckedBackend, layout: str) -> None:
    """A picture of 3 rows and 4 columns: stride 2 reads rows 0 and 2, columns 0 and 2."""
    problem = problem_of(in_channels=1, out_channels=1, height=3, width=4, stride=2, layout=layout)
    y = backend.compute(problem, [[0, 1, 2, 3], [10, 11, 12, 13], [20, 21, 22, 23]], [[2]])
    assert y[0, 0].tolist() == [[0, 4], [40, 44]]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_groups_by_hand(backend: CheckedBackend, layout: str) -> None:
    """Four channels in two groups: the first two outputs see channels 0 and 1, the last two 2 and 3."""
    problem = problem_of(in_channels=4, out_channels=4, groups=2, layout=layout)
    y = backend.compute(problem, [1, 2, 3, 4], [[1, 10], [10, 1], [1, 10], [10, 1]])
    assert y.ravel().tolist() == [21, 12, 43, 34]


# --- weights with a meaning ---------------------------------------------------------------------------------------


def picture(problem: Problem, seed: int = 0) -> Array:
    """Numbers of eight bits: every arithmetic that a backend may declare keeps them as they are."""
    shape = (problem.batch, problem.in_channels, problem.height, problem.width)
    return (np.random.default_rng(seed).integers(-255, 256, shape) / 64).astype(problem.dtype)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_identity_returns_the_input(backend: CheckedBackend, layout: str, dtype: str) -> None:
    problem = problem_of(batch=2, in_channels=7, out_channels=7, height=5, width=3, layout=layout, dtype=dtype)
    x = picture(problem)
    np.testing.assert_array_equal(backend.compute(problem, x, np.eye(7)), x)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_permutation_moves_channels(backend: CheckedBackend, layout: str) -> None:
    problem = problem_of(in_channels=5, out_channels=5, height=4, width=4, layout=layout)
    x, order = picture(problem), [3, 0, 4, 1, 2]
    np.testing.assert_array_equal(backend.compute(problem, x, np.eye(5)[order]), x[:, order])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_pixel_depends_on_itself_alone(backend: CheckedBackend, layout: str) -> None:
    problem = problem_of(in_channels=6, out_channels=4, height=5, width=5, layout=layout)
    x, weight = picture(problem), picture(problem_of(in_channels=6, height=4)).reshape(4, 6)
    moved = x.copy()
    moved[0, :, 2, 3] += 1
    changed = (backend.compute(problem, x, weight) != backend.compute(problem, moved, weight)).any(axis=(0, 1))
    assert np.argwhere(changed).tolist() == [[2, 3]]


# --- values that are not numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("activation", ["none", "relu"])
def test_nan_and_infinity_reach_their_pixel_and_no_other(backend: CheckedBackend, layout: str, activation: str) -> None:
    problem = problem_of(in_channels=3, out_channels=2, height=2, width=3, layout=layout, activation=activation)
    x = np.ones((1, 3, 2, 3), problem.dtype)
    x[0, 1, 0, 0], x[0, 2, 1, 2] = np.nan, np.inf
    y = backend.compute(problem, x, [[1, 2, 3], [1, 1, -1]])
    assert np.isnan(y[0, :, 0, 0]).all()
    assert y[0, :, 1, 2].tolist() == [np.inf, 0.0 if activation == "relu" else -np.inf]
    others = np.delete(y.reshape(2, 6), [0, 5], axis=1)
    assert (others == [[6], [1]]).all()


# --- sizes at the edges -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_empty_batch_gives_an_empty_result(backend: CheckedBackend, layout: str) -> None:
    problem = problem_of(batch=0, in_channels=4, out_channels=6, height=5, width=5, layout=layout, bias=True)
    y = backend.compute(problem, np.empty((0, 4, 5, 5)), np.ones((6, 4)), np.ones(6))
    assert y.shape == (0, 6, 5, 5)


EDGES = {
    "one pixel, one channel": {"in_channels": 1, "out_channels": 1},
    "one pixel, many images": {"batch": 9, "in_channels": 40, "out_channels": 24},
    "one pixel, stride": {"batch": 2, "stride": 3, "in_channels": 8, "out_channels": 4},
    "one input channel": {"in_channels": 1, "out_channels": 33, "height": 6, "width": 6},
    "one output channel": {"in_channels": 33, "out_channels": 1, "height": 6, "width": 6},
    "one row": {"in_channels": 16, "out_channels": 16, "height": 1, "width": 50},
    "one column": {"in_channels": 16, "out_channels": 16, "height": 50, "width": 1},
    "primes": {"batch": 3, "in_channels": 37, "out_channels": 53, "height": 11, "width": 13},
    "stride that does not divide": {"in_channels": 12, "out_channels": 20, "height": 11, "width": 14, "stride": 3},
    "stride larger than the picture": {"in_channels": 12, "out_channels": 20, "height": 3, "width": 5, "stride": 7},
    "as many groups as channels": {"in_channels": 10, "out_channels": 10, "groups": 10, "height": 5, "width": 5},
    "groups, more outputs": {"batch": 2, "in_channels": 6, "out_channels": 15, "groups": 3, "height": 5, "width": 5},
    "groups and stride": {"in_channels": 24, "out_channels": 16, "groups": 4, "height": 9, "width": 9, "stride": 2},
    "long reduction": {"in_channels": 2048, "out_channels": 12, "height": 7, "width": 7},
}


@pytest.mark.parametrize("epilogue", [{}, {"bias": True, "activation": "relu"}], ids=["plain", "bias and relu"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("edge", EDGES)
def test_edges(backend: CheckedBackend, edge: str, dtype: str, layout: str, epilogue: dict[str, Any]) -> None:
    backend.pass_the_gate(problem_of(**EDGES[edge], dtype=dtype, layout=layout, **epilogue))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("edge", ["primes", "groups and stride", "long reduction"])
def test_half_precision(backend: CheckedBackend, edge: str, dtype: str, layout: str) -> None:
    backend.pass_the_gate(problem_of(**EDGES[edge], dtype=dtype, layout=layout, bias=True, activation="relu"))


@pytest.mark.parametrize("bias", [False, True], ids=["plain", "bias"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("direction", ["backward-input", "backward-weight"])
@pytest.mark.parametrize("edge", EDGES)
def test_gradients(backend: CheckedBackend, edge: str, direction: str, layout: str, bias: bool) -> None:
    backend.pass_the_gate(problem_of(**EDGES[edge], direction=direction, layout=layout, bias=bias))


# --- what is refused ----------------------------------------------------------------------------------------------


def edge_problems(**changed: Any) -> list[Problem]:
    """All of the edges in both layouts, plain and with bias and ReLU."""
    epilogues: list[dict[str, Any]] = [{}, {"bias": True, "activation": "relu"}]
    edges = [
        problem_of(**sizes, layout=layout, **epilogue)
        for sizes in EDGES.values()
        for layout in LAYOUTS
        for epilogue in epilogues
    ]
    return [replace(edge, **changed) for edge in edges]


def test_takes_something(backend: CheckedBackend) -> None:
    """A backend that is available and refuses every problem would pass all other tests by skipping them."""
    gradients = {"activation": "none", "direction": "backward-input"}
    offered = [edge for dtype in DTYPES + HALVES for edge in edge_problems(dtype=dtype)] + edge_problems(**gradients)
    reasons = [backend.refuses(each) for each in offered]
    assert None in reasons, f"refuses all {len(reasons)} problems, the first because it {reasons[0]}"


# --- the same again -----------------------------------------------------------------------------------------------


def test_the_same_input_gives_the_same_result(backend: CheckedBackend) -> None:
    """Computed twice with another problem between: neither a stale buffer nor a race may show."""
    problem = problem_of(batch=2, in_channels=32, out_channels=24, height=9, width=9, bias=True)
    other = problem_of(batch=2, in_channels=32, out_channels=24, height=9, width=9)
    x, weight = picture(problem), np.random.default_rng(1).standard_normal((24, 32))
    first = backend.compute(problem, x, weight, np.ones(24))
    backend.compute(other, picture(other, seed=2), weight)
    np.testing.assert_array_equal(backend.compute(problem, x, weight, np.ones(24)), first)


# --- all axes at once ---------------------------------------------------------------------------------------------


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Small problems over all axes."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    small = st.integers(1, 12)
    direction = draw(st.sampled_from(["forward", "forward", "backward-input", "backward-weight"]))
    return Problem(
        batch=draw(st.integers(0, 3)),
        in_channels=groups * draw(small),
        out_channels=groups * draw(small),
        height=draw(small),
        width=draw(small),
        stride=draw(st.integers(1, 4)),
        groups=groups,
        bias=draw(st.booleans()),
        activation=draw(st.sampled_from(["none", "relu"])) if direction == "forward" else "none",
        dtype=draw(st.sampled_from(DTYPES + HALVES)),
        layout=draw(st.sampled_from(LAYOUTS)),
        direction=direction,  # type: ignore[arg-type]  # drawn from the choices
    )


# A backend may take one kind of problem only, such as NHWC without groups, and refuse most draws.
NARROW = [HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much]


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=NARROW)
@given(problem=problems(), seed=st.integers(0, 2**16))
def test_any_problem(backend: CheckedBackend, problem: Problem, seed: int) -> None:
    assume(has_bound(problem) and backend.refuses(problem) is None)
    if problem.batch or problem.direction != "forward":
        backend.pass_the_gate(problem, seed)
    else:
        nothing = np.empty((0, problem.in_channels, problem.height, problem.width))
        bias = np.ones(problem.out_channels) if problem.bias else None
        assert backend.compute(problem, nothing, np.ones(problem.weight_shape), bias).size == 0


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
