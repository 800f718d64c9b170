"""How much faster are whole models by ``pointwise_bench.torch.optimize``? Measured, and printed as a table.

    python docs/experiments/optimize_models.py [--seconds 12] [--threads 1 2] [--models torchvision:resnet50 timm:NAME]

Batch 1, float32, weights drawn at random. Beside the model as it is and optimised: ``torch.compile`` as it comes, ONNX
Runtime, and the optimised model with the kernel's layers given to oneDNN or PyTorch, which shows what the kernel adds.
In each round everybody has a turn, in an order that is drawn. All of PyTorch's share one process and one pool of
threads; ONNX Runtime, whose threads spin, has a process of its own that is stopped while it is not asked.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pointwise_bench.torch import optimize
from pointwise_bench.torch.choosing import KERNEL, MODULES, ONEDNN, ChosenWay
from pointwise_bench.torch.paired_times import SpeedUp, speed_up
from pointwise_bench.torch.programs import make

MODELS: Final = (
    "torchvision:mobilenet_v2",
    "torchvision:resnet50",
    "torchvision:efficientnet_b0",
    "torchvision:convnext_tiny",
)
OURS, EAGER, COMPILED, ONNX, WITHOUT = "optimised", "eager", "torch.compile", "ONNX Runtime", "without the kernel"
TURN_S: Final = 0.05
FEWEST_ROUNDS: Final = 7

Timed = Callable[[int], float]
"""Seconds of so many calls, after one that is not counted."""


def main() -> None:
    """Each model in a process of its own, with one thread budget after the other."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--models", nargs="+", default=MODELS)
    options.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    options.add_argument("--seconds", type=float, default=12.0, help="of timed rounds for each model and budget")
    options.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options.add_argument("--onnx-worker", nargs=2, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.onnx_worker:
        _serve(Path(given.onnx_worker[0]), int(given.onnx_worker[1]))
    elif given.one:
        _measure(given.models[0], given.threads, given.seconds)
    else:
        _all(given.models, given.threads, given.seconds)


def _all(models: list[str], threads: list[int], seconds: float) -> None:
    found: dict[int, dict[str, list[float]]] = {}
    for model in models:
        numbers = [word for count in threads for word in ("--threads", str(count))][1::2]
        command = [
            sys.executable,
            __file__,
            "--one",
            "--models",
            model,
            "--seconds",
            str(seconds),
            "--threads",
            *numbers,
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                print(line, end="", flush=True)
                if line.startswith("| ") and " | " in line:
                    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
                    ratios = found.setdefault(int(cells[1]), {})
                    for name, cell in zip((EAGER, COMPILED, ONNX, WITHOUT), cells[4:8], strict=True):
                        if cell != "-":
                            ratios.setdefault(name, []).append(float(cell.split()[0]))
    for count, ratios in sorted(found.items()):
        means = ", ".join(f"{_geometric_mean(one):.3f} times {name}" for name, one in ratios.items())
        least = min(ratios[EAGER])
        print(f"{count} threads: optimised is on the geometric mean {means}; of eager at least {least:.3f}")


def _geometric_mean(ratios: list[float]) -> float:
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


# --- one model ----------------------------------------------------------------------------------------------------


def _measure(name: str, budgets: list[int], seconds: float) -> None:
    import torch

    torch.manual_seed(0)
    model, x = _model(name), torch.randn(1, 3, 224, 224)
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        exported = _exported(model, x, file)
        for threads in budgets:
            torch.set_num_threads(threads)
            began = time.perf_counter()
            ours = optimize(model, x)
            prepared = time.perf_counter() - began
            right, reached = model(x), ours(x)
            differs = float((right - reached).abs().max() / right.abs().max())
            ways = {EAGER: _timed(lambda: model(x)), OURS: _timed(lambda: ours(x))}  # noqa: B023  # called here only
            ways |= _without_the_kernel(ours, model, x)
            ways |= _compiled(model, x)
            worker = _onnx_worker(file, threads) if exported else None
            if worker is not None:
                ways[ONNX] = worker
            ratios, least = _rounds(ways, seconds)
            print(f"# {name}, {threads} threads: {ours.pointwise_report.why}; ready after {prepared:.0f} s")
            print(f"# least times: {', '.join(f'{way} {one * 1e3:.2f} ms' for way, one in least.items())}")
            shown = [_shown(ratios.get(way)) for way in (EAGER, COMPILED, ONNX, WITHOUT)]
            print(
                f"| {name} | {threads} | {least[OURS] * 1e3:.2f} ms | {differs:.1e} | {' | '.join(shown)} |", flush=True
            )
            if worker is not None:
                worker.close()


def _model(name: str) -> Any:
    import torch

    source, _, wanted = name.partition(":")
    if source == "timm":
        import timm

        model = timm.create_model(wanted, pretrained=False)
    else:
        import torchvision

        model = getattr(torchvision.models, wanted)(weights=None)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # as trained ones have: a fold of 0 and 1 would show nothing
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2)
    return model.eval()


def _without_the_kernel(ours: Any, model: Any, x: Any) -> dict[str, Timed]:
    if not ours.pointwise_report.used:
        return {}
    choices = {}
    for site in ours.pointwise_report.sites:
        other = ONEDNN if ONEDNN in site.why else MODULES
        choices[site.name] = ChosenWay(other if site.way == KERNEL else site.way, site.why)
    program = make(model, x, choices)
    return {WITHOUT: _timed(lambda: program(x))}


def _compiled(model: Any, x: Any) -> dict[str, Timed]:
    import torch

    torch.compiler.reset()
    try:
        compiled = torch.compile(model)
        compiled(x)
    except Exception as error:  # such as no compiler here
        print(f"# torch.compile: {type(error).__name__}: {str(error).splitlines()[0]}")
        return {}
    return {COMPILED: _timed(lambda: compiled(x))}


def _timed(call: Callable[[], object]) -> Timed:
    def seconds(calls: int) -> float:
        call()
        began = time.perf_counter()
        for _ in range(calls):
            call()
        return time.perf_counter() - began

    return seconds


def _rounds(ways: dict[str, Timed], seconds: float) -> tuple[dict[str, list[float]], dict[str, float]]:
    """By way its time over the optimised model's, round by round; and its least time."""
    calls = {}
    for name, way in ways.items():
        way(1)
        calls[name] = max(1, math.ceil(TURN_S / way(1)))
    times: dict[str, list[float]] = {name: [] for name in ways}
    began = time.perf_counter()
    while len(times[OURS]) < FEWEST_ROUNDS or time.perf_counter() - began < seconds:
        order = list(ways)
        random.shuffle(order)
        for name in order:
            times[name].append(ways[name](calls[name]) / calls[name])
    ratios = {
        name: [one / ours for one, ours in zip(own, times[OURS], strict=True)]
        for name, own in times.items()
        if name != OURS
    }
    return ratios, {name: min(own) for name, own in times.items()}


def _shown(ratios: list[float] | None) -> str:
    if ratios is None:
        return "-"
    found: SpeedUp = speed_up(ratios)
    return f"{found.ratio:.3f} [{found.low:.3f}, {found.high:.3f}]"


# --- ONNX Runtime, in a process of its own ------------------------------------------------------------------------


def _exported(model: Any, x: Any, file: Path) -> bool:
    import contextlib
    import io

    import torch

    try:
        with contextlib.redirect_stdout(io.StringIO()):
            torch.onnx.export(model, (x,), str(file), input_names=["x"], dynamo=True, verbose=False)
    except Exception as error:  # such as onnxscript not being there
        print(f"# ONNX: {type(error).__name__}: {str(error).splitlines()[0]}")
        return False
    return True


class _onnx_worker:  # noqa: N801  # called as the functions beside it
    """``worker(calls)``: seconds; stopped before and after."""

    def __init__(self, file: Path, threads: int) -> None:
        command = [sys.executable, __file__, "--onnx-worker", str(file), str(threads)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answer()
        os.kill(self._process.pid, signal.SIGSTOP)

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def __call__(self, calls: int) -> float:
        assert self._process.stdin is not None
        os.kill(self._process.pid, signal.SIGCONT)
        self._process.stdin.write(f"{calls}\n")
        self._process.stdin.flush()
        seconds = float(self._answer())
        os.kill(self._process.pid, signal.SIGSTOP)
        return seconds

    def close(self) -> None:
        """Ended, and waited for."""
        self._process.kill()
        self._process.wait()


def _serve(file: Path, threads: int) -> None:
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    x = {"x": np.random.default_rng(0).standard_normal((1, 3, 224, 224)).astype(np.float32)}
    call = _timed(lambda: session.run(None, x))
    call(1)
    print("ready", flush=True)
    for line in sys.stdin:
        print(call(int(line)), flush=True)


if __name__ == "__main__":
    main()
