"""Does the harness measure what a user would? Its median beside `timeit`'s, for one layer, in alternation.

    python docs/experiments/against_timeit.py [BACKEND] [PROBLEM] [REPEATS]

Each repeat runs the suite on the one problem (worker, gate, rounds, pytest-benchmark's JSON), then the same prepared
layer under ``timeit`` in a process alone, with the same thread budget. Prints both medians per repeat and their ratio.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from pointwise_bench import Problem
from pointwise_bench.common.cores import available_cores
from pointwise_bench.suites.harness.machine.thread_variables import worker_variables

ROOT = Path(__file__).resolve().parents[2]

ALONE = """
import json, statistics, sys, timeit
import numpy as np
from pointwise_bench import Problem, get
name, problem, threads = sys.argv[1], Problem.parse(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(0)
weight = rng.standard_normal(problem.weight_shape).astype(problem.dtype)
bias = rng.standard_normal(problem.out_channels).astype(problem.dtype) if problem.bias else None
backend = get(name)
layer = backend.prepare(problem, weight, bias, threads)
x = backend.to_device(rng.standard_normal(problem.input_shape).astype(problem.dtype))
timer = timeit.Timer(lambda: layer(x))
calls, _ = timer.autorange()
print(json.dumps(statistics.median(timer.repeat(9, calls)) / calls))
"""


def through_harness(backend: str, problem: Problem) -> float:
    """pytest-benchmark's median for the problem, in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        command = [sys.executable, "-m", "pytest", "suites", "--benchmark-only", "-q", "-p", "no:cacheprovider"]
        command += ["--backend", backend, "--shapes", problem.id, "--results", folder, f"--benchmark-json={out}"]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        (benchmark,) = json.loads(out.read_text())["benchmarks"]
        return float(benchmark["stats"]["median"])


def under_timeit(backend: str, problem: Problem) -> float:
    """The median of nine `timeit` repeats in a process of its own, in seconds."""
    threads = available_cores()
    command = [sys.executable, "-c", ALONE, backend, problem.id, str(threads)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=worker_variables(threads))
    return float(json.loads(done.stdout))


def main() -> None:
    """Alternate, print, and compare the medians of all repeats."""
    backend, text, repeats = (*sys.argv[1:], *("numpy-matmul", "n1c256h56w56-o192", "9")[len(sys.argv) - 1 :])
    problem = Problem.parse(text)
    pairs = []
    for number in range(int(repeats)):
        pairs.append((through_harness(backend, problem), under_timeit(backend, problem)))
        print(f"{number + 1}: harness {pairs[-1][0] * 1e6:.1f} us, timeit {pairs[-1][1] * 1e6:.1f} us", flush=True)
    harness, alone = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"medians: harness {harness * 1e6:.1f} us, timeit {alone * 1e6:.1f} us, ratio {harness / alone:.3f}")


if __name__ == "__main__":
    main()
