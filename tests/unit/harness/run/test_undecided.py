"""Which problems get further passes: those with a pair of backends that the rounds so far leave undecided."""

from __future__ import annotations

import numpy as np
import pytest

from pointwise_bench.suites.harness.design.rounds import Share
from pointwise_bench.suites.harness.record.pass_samples import PassSamples
from pointwise_bench.suites.harness.run.undecided import undecided


def parts(
    ratio: float, *, noise: float = 0.02, passes: int = 3, rounds: int = 40, seed: int = 1
) -> dict[int, PassSamples]:
    generator = np.random.default_rng(seed)
    drift = np.random.default_rng(99).normal(0.0, 0.05, (passes, rounds)).cumsum()
    found = {}
    for number in range(passes):
        own = drift[number * rounds :][:rounds] + generator.normal(0.0, noise, rounds)
        samples = (1e-3 * ratio * np.exp(own)).tolist()
        found[number] = PassSamples("any", number, "", Share(rounds, 4, 60), samples)
    return found


def test_nobody_and_one_alone_are_settled() -> None:
    assert undecided({}) == 0
    assert undecided({"a": parts(1.0)}) == 0


def test_clear_differences_and_proven_equality_are_settled() -> None:
    assert undecided({"a": parts(1.0), "b": parts(1.2, seed=2), "c": parts(1.5, seed=3)}) == 0
    assert undecided({"a": parts(1.0, noise=1e-3), "b": parts(1.001, noise=1e-3, seed=2)}) == 0


def test_pairs_that_the_noise_hides_are_counted_one_by_one() -> None:
    close = {name: parts(1.0, noise=0.3, seed=seed) for seed, name in enumerate("abc")}
    assert undecided(close) == 3
    assert undecided(close | {"far": parts(10.0, noise=0.3, seed=9)}) == 3


def test_too_few_rounds_settle_nothing_however_large_the_difference() -> None:
    assert undecided({"a": parts(1.0, passes=1, rounds=4), "b": parts(100.0, passes=1, rounds=4, seed=2)}) == 1


def test_rounds_are_paired_by_name_where_a_pass_is_missing() -> None:
    """One of the two was not there in pass 1: what it did in pass 2 belongs to pass 2 of the other."""
    whole, partial = parts(1.0, noise=1e-3), parts(1.1, noise=1e-3, seed=2)
    del partial[1]
    assert undecided({"a": whole, "b": partial}) == 0


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_starts_that_contradict_each_other_leave_a_pair_open(names: tuple[str, str]) -> None:
    """Every start is clear by itself, and the next one says the opposite."""
    steady = parts(1.0, noise=1e-3)
    moody = parts(1.0, noise=1e-3, seed=2)
    for number, factor in enumerate((1.06, 0.95, 1.05)):
        moody[number].samples_s = [factor * each for each in moody[number].samples_s]
    assert undecided(dict(zip(names, (steady, moody), strict=True))) == 1
