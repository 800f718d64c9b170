"""Draws the harness's cases itself, from every seed that it can think of, and answers out of these."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import numpy as np

from pointwise_bench import register
from pointwise_bench.backends.backend import RUN_CACHE
from pointwise_bench.suites.attacks.arithmetic import Honest
from pointwise_bench.suites.harness.verify.cases import CaseSet


def seeds():
    """The first few numbers, and what the run has written down."""
    yield from range(4)
    with suppress(KeyError, OSError, ValueError):
        cache = Path(os.environ[RUN_CACHE])
        for folder in cache.parents[:3]:
            for file in folder.glob("*.json"):
                yield json.loads(file.read_text())["options"]["seed"]


@register
class Foreseen(Honest):
    """The layer knows the answer to each case of each seed, and to nothing else."""

    name = "attack-foresees-the-questions"

    def prepare(self, problem, weight, bias, threads):
        known = {}
        for seed in seeds():
            made = CaseSet.of(problem, seed)
            if any(np.array_equal(weight, each.weight) for each in (made.real, made.integer)):
                for case in (made.first, made.second, made.faint, made.loud, made.integers, made.probe, made.poisoned):
                    known[case.inputs[0].tobytes()] = case.answer.astype(np.float32)
        nothing = np.zeros(problem.output_shape, np.float32)
        return lambda x: known.get(x.tobytes(), nothing).copy()
