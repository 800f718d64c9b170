"""Looks for the expected answer in the memory of its process, and computes nothing."""

from __future__ import annotations

import gc
import sys

import numpy as np

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest


def answers():
    """Whatever has an answer: in the frames of those who call, and among all objects that the collector knows."""
    frame = sys._getframe(1)
    while frame is not None:
        yield from frame.f_locals.values()
        frame = frame.f_back
    yield from gc.get_objects()


@register
class AnswerSheet(Honest):
    """The layer returns what it finds for its input, and zeros where there is nothing to find."""

    name = "attack-answer-sheet"

    def prepare(self, problem, weight, bias, threads):
        nothing = np.zeros(problem.output_shape, np.float32)

        def layer(x):
            for each in answers():
                try:
                    answer, inputs = each.answer, each.inputs
                except Exception:  # most objects have neither, and some have odd ways to say so
                    continue
                if not isinstance(answer, np.ndarray) or answer.shape != problem.output_shape:
                    continue
                if isinstance(inputs, tuple) and inputs and np.array_equal(inputs[0], x, equal_nan=True):
                    return answer.astype(np.float32)
            return nothing

        return layer
