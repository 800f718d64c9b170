"""One backend under the questions of the correctness suite, and which of them it is spared for taking long."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pytest

from pointwise_bench import Problem
from pointwise_bench.suites.correctness.counts import CountedTest
from pointwise_bench.suites.correctness.problems import judged_by_time, left_to_the_soak_tier
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.verify.questions import Weights

if TYPE_CHECKING:
    from pointwise_bench.suites.harness.run.untimed.untimed_backends import UntimedBackends

Array = npt.NDArray[Any]

SOAK: Final = os.environ.get("POINTWISE_SOAK") == "1"

DEAR_S: Final = 0.15 if SOAK else 0.06
"""Processor seconds above which an answer is asked of a backend only where it must: see ``expected_seconds``.

Where its usual answers take longer, it is asked no more than it must; otherwise it is spared the problems that are
too large for it. Whoever calls a library without compiling for the problem stays below, and who compiles is above.
"""

DEAREST_S: Final = 1.0
"""The same above which it is asked a quarter of the edges and cuts: who has a C++ compiler run for every problem."""

EVERY_OTHER: Final = frozenset() if SOAK else left_to_the_soak_tier()
ALL_BUT_A_QUARTER: Final = frozenset() if SOAK else left_to_the_soak_tier(one_in=4)
BY_TIME: Final = judged_by_time()

FEWEST_DRAWS: Final = 8
DRAWS_OF_DEAR: Final = FEWEST_DRAWS if SOAK else 2


class CheckedBackend:
    """One backend, and what the tests below ask of it."""

    def __init__(self, untimed_backends: UntimedBackends, test: CountedTest) -> None:
        self._untimed_backends = untimed_backends
        self._backend = test["backend"]
        self._test = test
        self._threads = 1
        self._reasons: dict[Problem, str | None] = {}
        self._passed = 0
        self._failed = False

    def on_all_threads(self) -> CheckedBackend:
        """The same backend with the largest thread budget of the session."""
        self._threads = self._untimed_backends.most_threads
        return self

    def skip_if_dear(self, problem: Problem | None = None) -> None:
        """Skip where an answer of the backend takes long, as a rule or to this problem."""
        if (seconds := self._untimed_backends.expected_seconds(self._backend, problem)) > DEAR_S:
            self._test["spared"] = True
            pytest.skip(f"an answer takes {seconds:.2g} s, over {DEAR_S:g} s: what every backend is asked must do")

    def skip_if_dear_but(self, chosen: bool) -> None:
        """Skip where an answer takes long as a rule, unless this form is the ``chosen`` one of several, or in soak.

        What was asked before has shown that: compiling for each type and layout, which the first problems pay, is past.
        """
        if not chosen and not SOAK:
            self.skip_if_dear()

    def has_drawn_enough(self) -> bool:
        """Whether it is dear and has passed as many of the problems drawn as such a one is asked.

        Never once it has failed: the problem is then made simpler, and must fail as often as it is asked.
        """
        is_dear = self._untimed_backends.expected_seconds(self._backend) > DEAR_S
        return is_dear and self._passed >= DRAWS_OF_DEAR and not self._failed

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
        with self._noting_failure():
            y = self._untimed_backends.apply(self._backend, problem, weights, x, self._threads)
        assert y.shape == problem.output_shape
        assert y.dtype == problem.dtype
        return y if problem.layout == "nchw" else y.transpose(0, 3, 1, 2)

    def pass_the_gate_in_turn(self, problem: Problem) -> None:
        """The gate, of the dear for a part of the list, see :func:`left_to_the_soak_tier`; skips where it refuses."""
        dearest = self._untimed_backends.expected_seconds(self._backend) > DEAREST_S
        if problem in (ALL_BUT_A_QUARTER if dearest else EVERY_OTHER):
            self.pass_the_gate_unless_dear(problem)
        else:
            self.pass_the_gate(problem)

    def pass_the_gate_unless_dear(self, problem: Problem) -> None:
        """The gate, where the backend is not expected to take long; skips where it refuses, or is spared."""
        self._skip_if_refused(problem)
        self.skip_if_dear(problem)
        self.pass_the_gate(problem)

    def pass_the_gate(self, problem: Problem, seed: int = 0) -> None:
        """Integers, reals, probe, NaN and infinity, repeated and read-only inputs; skips where it refuses."""
        self._skip_if_refused(problem)
        by_time = SOAK or problem in BY_TIME
        try:
            with self._noting_failure():
                self._untimed_backends.verify(self._backend, problem, seed, self._threads, by_time=by_time)
        except Ended as ended:
            threads = f" with {self._threads} threads" if self._threads > 1 else ""
            pytest.fail(f"{self._backend} on {problem}{threads}: {ended}", pytrace=False)

    @contextmanager
    def _noting_failure(self) -> Iterator[None]:
        try:
            yield
        except Ended:
            self._failed = True
            raise
        self._passed += 1

    def refuses(self, problem: Problem) -> str | None:
        """Why the backend, or the gate, leaves the problem out."""
        if problem not in self._reasons:
            self._reasons[problem] = self._untimed_backends.refuses(self._backend, problem)
        return self._reasons[problem]

    def _skip_if_refused(self, problem: Problem) -> None:
        reason = self._test["refused"] = self.refuses(problem)
        self._test["problem"] = problem.id
        if reason:
            pytest.skip(f"{self._backend} refuses {problem}: {reason}")
