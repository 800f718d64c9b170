"""Is a network's time the sum of its layers' times? Its layers in sequence against each of them alone.

    python docs/experiments/sum_of_layers.py [--networks resnet50_v1.5 ...] [--backends NAME ...] [--threads 2]

A run measures each layer alone, called again and again on one input: its weights stay in the caches. In a forward pass
every layer has its own weights and its own input, and comes once. So each round measures, in an order that is drawn:

- *alone*: every distinct layer for a turn, times how often it occurs, added up. That is a run's total.
- *in sequence*: one pass over all layers as they occur, each with weights and an input of its own, behind another pass.
- *alone, caches swept*: every distinct layer called once behind a sweep over more memory than the caches hold.

Where the sequence takes longer than the sum alone, the third says whether the caches are the reason: they cannot help
there. Each backend has a process of its own, with its thread budget in the environment, as in a run.
"""

from __future__ import annotations

import argparse
import math
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from pointwise_bench.backends import registry
from pointwise_bench.suites.catalogue import CatalogueEntry, select
from pointwise_bench.suites.harness.machine.cpu import cache_bytes
from pointwise_bench.suites.harness.machine.thread_variables import worker_variables
from pointwise_bench.torch.paired_times import SpeedUp, speed_up

NETWORKS: Final = ("resnet50_v1.5", "mobilenet_v2", "googlenet")
BACKENDS: Final = ("numba-microkernel", "openvino", "torch-conv2d", "numpy-matmul")
TURN_S: Final = 0.004  # of one layer alone, as long as a turn of a run

Call = Callable[[], Any]


@dataclass(frozen=True)
class Layer:
    """One distinct layer: how often it occurs, and a call of each of its occurrences."""

    occurrences: tuple[Call, ...]

    def alone_s(self) -> float:
        """Seconds of all occurrences, each taken for the first: called again and again on one input."""
        first = self.occurrences[0]
        calls = max(1, math.ceil(TURN_S / _seconds(first)))
        began = time.perf_counter()
        for _ in range(calls):
            first()
        return len(self.occurrences) * (time.perf_counter() - began) / calls

    def swept_s(self, sweep: Call) -> float:
        """The same, called once with nothing of it in the caches."""
        sweep()
        return len(self.occurrences) * _seconds(self.occurrences[0])


def main() -> None:
    """Each backend on each network in a process of its own."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--networks", nargs="+", default=NETWORKS)
    options.add_argument("--backends", nargs="+", default=BACKENDS)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--rounds", type=int, default=21)
    options.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.one:
        print(_measured(given.networks[0], given.backends[0], given.threads, given.rounds), flush=True)
        return
    print("| network | backend | alone | in sequence | sequence over alone | swept over alone | sequence over swept |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |", flush=True)
    for network in given.networks:
        for backend in given.backends:
            own = ["--one", "--networks", network, "--backends", backend]
            numbers = ["--threads", str(given.threads), "--rounds", str(given.rounds)]
            subprocess.run([sys.executable, __file__, *own, *numbers], env=worker_variables(given.threads), check=True)


def _measured(network: str, backend: str, threads: int, rounds: int) -> str:
    """A line of the table: least times, and ratios of the rounds with an interval of 95 %."""
    (group,) = select([network])
    layers = [Layer(tuple(_occurrences(entry, backend, threads))) for entry in group.layers]
    sweep = _sweep()
    ways: dict[str, Call] = {
        "alone": lambda: sum(layer.alone_s() for layer in layers),
        "sequence": lambda: _sequence_s(layers),
        "swept": lambda: sum(layer.swept_s(sweep) for layer in layers),
    }
    _sequence_s(layers)  # compiles what is compiled on the first call
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name in random.sample(list(ways), len(ways)):
            found[name].append(ways[name]())
    least = {name: min(seconds) * 1e3 for name, seconds in found.items()}
    ratios = [
        speed_up([a / b for a, b in zip(found[one], found[other], strict=True)])
        for one, other in (("sequence", "alone"), ("swept", "alone"), ("sequence", "swept"))
    ]
    shown = " | ".join(map(_shown, ratios))
    return f"| {network} | {backend} | {least['alone']:.2f} ms | {least['sequence']:.2f} ms | {shown} |"


def _occurrences(entry: CatalogueEntry, backend: str, threads: int) -> Iterator[Call]:
    """A call of each occurrence of a layer, with weights and an input of its own."""
    own, problem, rng = registry.get(backend), entry.problem, np.random.default_rng(1)
    for _ in range(entry.count):
        weight = rng.standard_normal(problem.weight_shape).astype(problem.dtype)
        bias = rng.standard_normal(problem.out_channels).astype(problem.dtype) if problem.bias else None
        layer = own.prepare(problem, weight, bias, threads)
        x = own.to_device(rng.standard_normal(problem.input_shape).astype(problem.dtype))
        yield lambda layer=layer, x=x: (layer(x), own.sync())  # type: ignore[misc, func-returns-value]


def _sequence_s(layers: list[Layer]) -> float:
    """Seconds of the second of two passes over all occurrences."""
    calls = [call for layer in layers for call in layer.occurrences]
    for call in calls:
        call()
    began = time.perf_counter()
    for call in calls:
        call()
    return time.perf_counter() - began


def _sweep() -> Call:
    """A sweep over twice what the caches hold."""
    memory = np.zeros(2 * max(cache_bytes().values(), default=2**26), np.uint8)
    return memory.sum


def _seconds(call: Call) -> float:
    began = time.perf_counter()
    call()
    return max(time.perf_counter() - began, 1e-9)


def _shown(ratio: SpeedUp) -> str:
    return f"{ratio.ratio:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]"


if __name__ == "__main__":
    main()
