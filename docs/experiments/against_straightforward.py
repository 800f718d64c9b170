"""Is a backend slowed by its wrapper? Each backend beside the plain use of its library, in the same rounds.

    python docs/experiments/against_straightforward.py [--threads N] [--time-budget T] [BACKEND ...]

The plugins ``straightforward_*.py`` beside this file hold a twin ``plain-NAME`` of each backend, written straight
against the library in about ten lines, as its documentation shows it, with none of the project's helpers (ONNX models
excepted, which nothing here but the project can write). Backends and twins go through the harness together: the same
rounds, gate and thread budget. Prints for each backend the geometric mean over the layers of (time of the twin / time
of the backend): 1 is as fast as plain use, below 0.97 is a handicap. ``opencl``, ``naive-loops`` and the CUDA backends
have no twin: their kernels are the project's own, or they cannot run without a GPU.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from pointwise_bench.backends import registry

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = sorted(Path(__file__).parent.glob("straightforward_*.py"))
LAYERS = (
    "n1c16h7w7-o32",  # tiny: little but the calls themselves
    "n8c32h1w1-o10-bias",
    "n2c24h14w14-o144-s2-bias-relu",
    "n1c64h14w14-o64-bias-relu",
    "n1c96h28w28-o24-bias",
    "n1c192h28w28-o64-bias-relu",
    "n1c64h28w28-o128-nhwc",
    "n1c320h7w7-o1280-bias-relu-nhwc",
    "n1c512h7w7-o2048-bias-relu",
    "n1c256h56w56-o64",
    "n1c256h56w56-o512-s2",
    "n4c64h56w56-o64-bias-relu",
    *(
        f"{layer}{layout}-{direction}"
        for layer in ("n1c64h28w28-o128", "n2c256h14w14-o64", "n1c128h56w56-o64-s2")
        for direction in ("backward-input", "backward-weight")
        for layout in ("", "-nhwc")
    ),
)
ENOUGH = 0.97


def twins() -> list[str]:
    """Names of the backends that have a twin here."""
    plain = [name for name in registry.names() if name.startswith("plain-")]
    return [name.removeprefix("plain-") for name in plain]


def main() -> int:
    """One run of all pairs; 1 where one is below what is enough."""
    for plugin in PLUGINS:
        registry.add_plugin(str(plugin))
    known = twins()
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("backends", nargs="*", metavar="BACKEND", help=f"of {', '.join(known)}; default: all")
    parser.add_argument("--threads", default="1", metavar="N")
    parser.add_argument("--time-budget", metavar="T")
    options = parser.parse_args()
    asked = options.backends or known
    if strangers := set(asked) - set(known):
        parser.error(f"no twin of {', '.join(sorted(strangers))}")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pytest", "suites", "--benchmark-only", "-q", "-p", "no:cacheprovider"]
        command += [word for plugin in PLUGINS for word in ("--plugin", str(plugin))]
        command += ["--threads", options.threads, "--results", folder, "--timeout", "120s"]
        command += [word for name in asked for word in ("--backend", name, "--backend", f"plain-{name}")]
        command += [word for layer in LAYERS for word in ("--shapes", layer)]
        command += ["--time-budget", options.time_budget] if options.time_budget else []
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
        (run,) = Path(folder).glob("*/*/run.json")
        slow = _print(run.parent, asked)
        if done.returncode:
            print(done.stdout[-2000:])
    return 1 if slow or done.returncode else 0


def _print(folder: Path, asked: list[str]) -> list[str]:
    """A line for each backend; the names of those that are not fast enough."""
    from pointwise_bench.report.analysis.comparisons import compare_run
    from pointwise_bench.report.reading.run import load_run

    run, slow = load_run(folder), []
    pairs = compare_run(run).set_index(["backend_a", "backend_b"]).sort_index()
    for name in asked:
        cells = [cell for cell in run.cells if cell.backend in (name, f"plain-{name}")]
        # A pair stands in alphabetical order, and `ratio` is the time of the second over that of the first.
        pair = (name, f"plain-{name}")
        first_is_plain = sorted(pair)[0] != name
        pair = pair[::-1] if first_is_plain else pair
        if pair not in pairs.index:
            print(f"{name}: no layer was timed on both sides: {'; '.join(sorted({cell.reason for cell in cells}))}")
            slow.append(name)
            continue
        ratios = pairs.loc[[pair]].set_index("problem")["ratio"]
        found = 1 / ratios if first_is_plain else ratios
        mean, most = (
            float(np.exp(np.log(found).mean())),
            max(one.cpu_over_wall for one in cells if one.timed and one.backend == name),
        )
        lowest, at = found.min(), found.idxmin()
        print(
            f"{name}: {mean:.3f} over {len(found)} layers, lowest {lowest:.3f} on {at}; "
            f"CPU over wall at most {most:.2f}"
        )
        if mean < ENOUGH:
            slow.append(name)
    print(f"below {ENOUGH}: {', '.join(slow) or 'none'}", flush=True)
    return slow


if __name__ == "__main__":
    sys.exit(main())
