"""How fast a trial's backends were when they were first met."""

from __future__ import annotations

from simulated_machine import problems

from pointwise_bench.suites.harness.record.pass_samples import PassSamples
from pointwise_bench.suites.harness.run.course.meeting import Meeting
from pointwise_bench.suites.harness.run.plan import PlannedTrial


def samples(*seconds: float) -> PassSamples:
    return PassSamples("a", 0, "", samples_s=list(seconds))


def test_the_first_pass_of_each_backend_counts_and_of_it_the_median() -> None:
    parts = {"a": {0: samples(3.0, 9.0, 4.0), 1: samples(1.0)}, "late": {2: samples(5.0), 3: samples(2.0)}}
    met = Meeting(PlannedTrial(problems(1)[0], 1), parts)
    assert met.first_median_s("a") == 4.0
    assert met.first_median_s("late") == 5.0
    assert met.best_s == 4.0
