"""Answers with what it has computed last once ten calls in a row came with one array, as only who takes a time does."""

from __future__ import annotations

from time import perf_counter

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve, pad


@register
class Streak(Honest):
    """Computes whenever an array is at another place than the one before."""

    name = "attack-answers-streaks"

    def prepare(self, problem, weight, bias, threads):
        last, alike, answer = None, 0, None

        def layer(x):
            nonlocal last, alike, answer
            began, place = perf_counter(), x.__array_interface__["data"][0]
            alike = alike + 1 if place == last else 0
            last = place
            if alike <= 10:
                answer = convolve(problem, x, weight, bias)
            else:
                pad(problem, began)
            return answer.copy()

        return layer
