"""How much faster are whole models by ``pointwise_bench.torch.optimize``? ``pointwise-bench optimize`` on several.

    python docs/experiments/optimize_models.py [--seconds 8] [--threads 1 2] [--models torchvision:resnet50 timm:NAME]

Prints the lines of a table, and for each thread budget the geometric means over the models. What the command keeps
lies in ``--results``; models that are there already are only read, so that an interrupted measurement can go on.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from pointwise_bench.common.formats import EAGER, ONNX_RUNTIME, OPTIMISED, TORCH_COMPILE, WITHOUT_KERNEL
from pointwise_bench.optimizing.command import SECONDS, STARTS, main as optimize
from pointwise_bench.report.analysis.collections.timed_models import gain_over
from pointwise_bench.report.analysis.wording import DASH, duration, times
from pointwise_bench.report.reading.timed_models import TimedModel, read_timed_models
from pointwise_bench.suites.harness.machine.environment import machine

MODELS: Final = (
    "torchvision:mobilenet_v2",
    "torchvision:resnet50",
    "torchvision:efficientnet_b0",
    "torchvision:convnext_tiny",
)
OTHERS: Final = (EAGER, TORCH_COMPILE, ONNX_RUNTIME, WITHOUT_KERNEL)


def main() -> None:
    """Each model with one thread budget after the other."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--models", nargs="+", default=MODELS)
    options.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    options.add_argument("--seconds", type=float, default=SECONDS, help="of rounds in each start")
    options.add_argument("--starts", type=int, default=STARTS)
    options.add_argument("--results", type=Path, default=Path("results-of-models"))
    given = options.parse_args()
    numbers = ["--seconds", str(given.seconds), "--starts", str(given.starts), "--results", str(given.results)]
    for threads in given.threads:
        for model in given.models:
            if not any((one.model, one.threads) == (model, threads) for one in _there(given.results)):
                optimize([model, "--threads", str(threads), *numbers])
    found = [one for one in _there(given.results) if one.model in given.models and one.threads in given.threads]
    print(f"| model | threads | a call | {' | '.join(OTHERS)} |\n| --- | ---: | ---: |{' ---: |' * len(OTHERS)}")
    for one in found:
        print(f"| {one.model} | {one.threads} | {_line(one)} |")
    for threads in given.threads:
        print(f"{threads} threads: {_means([one for one in found if one.threads == threads])}")


def _there(results: Path) -> Sequence[TimedModel]:
    return read_timed_models(results / machine(), machine())[0]


def _line(one: TimedModel) -> str:
    samples = one.ways[OPTIMISED].samples
    gains = [gain_over(one, way) for way in OTHERS]
    time = duration(float(np.median(samples))) if samples.size else DASH
    return " | ".join([time, *(times(*gain) if gain else DASH for gain in gains)])


def _means(models: Sequence[TimedModel]) -> str:
    """Over the models of which a ratio is known, whose number is told where some lack."""
    said = []
    for way in OTHERS:
        ratios = [gain.ratio for one in models if (gain := gain_over(one, way)) is not None]
        if ratios:
            mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
            of = f" ({len(ratios)} of {len(models)} models)" if len(ratios) < len(models) else ""
            said.append(f"{mean:.3f} times {way}, at least {min(ratios):.3f}{of}")
    return "the optimised model is on the geometric mean " + "; ".join(said) if said else "no model"


if __name__ == "__main__":
    main()
