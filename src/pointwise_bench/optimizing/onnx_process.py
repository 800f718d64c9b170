"""ONNX Runtime in a process of its own, stopped while it is not asked: its threads spin, and would slow all others.

The process is this module. It is told on its command line which file to load, with how many threads, and where the
input lies and its results go; then, on each line of its standard input, how many calls to time.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from pointwise_bench.optimizing.turns import timed
from pointwise_bench.suites.harness.machine.parent_death import die_with

PACKAGES: Final = ("onnxruntime", "onnx", "onnxscript")
"""PyTorch's exporter wants the last two, and PyTorch brings neither."""


class NoOnnxRuntime(Exception):
    """Why it does not compute this model here; the text is one line."""


class OnnxProcess:
    """``process(calls)``: seconds of so many calls, after one that is not counted."""

    def __init__(self, model: Any, x: Any, threads: int, folder: Path) -> None:
        import numpy as np

        file, given, self._results = folder / "model.onnx", folder / "x.npy", folder / "results.npz"
        _export(model, x, file)
        np.save(given, x.numpy())
        command = [sys.executable, "-W", "ignore", "-m", __name__, str(file), str(threads), str(given)]
        self._process = subprocess.Popen(
            [*command, str(self._results), str(os.getpid())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        said = self._answer().strip()
        if said != "ready":
            self.close()
            raise NoOnnxRuntime(said or "its process ended while it loaded the model")
        self._stop()

    def results(self) -> list[Any]:
        """What it computed from the input, as tensors."""
        import numpy as np
        import torch

        with np.load(self._results) as there:
            return [torch.from_numpy(there[name]) for name in sorted(there.files)]

    def __call__(self, calls: int) -> float:
        """It runs from here to the answer, and is stopped before and behind that."""
        assert self._process.stdin is not None
        os.kill(self._process.pid, signal.SIGCONT)
        self._process.stdin.write(f"{calls}\n")
        self._process.stdin.flush()
        said = self._answer()
        self._stop()
        if not said:
            raise NoOnnxRuntime("its process ended while it was timed")
        return float(said)

    def close(self) -> None:
        """Ended, and waited for."""
        self._process.kill()
        with self._process:  # closes both pipes
            self._process.wait()

    def _stop(self) -> None:
        """And wait until it is, or has ended: its threads spin until then."""
        pid = self._process.pid
        os.kill(pid, signal.SIGSTOP)
        os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG)  # that it was told, so that the next time waits anew

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def _export(model: Any, x: Any, file: Path) -> None:
    import contextlib
    import io

    import torch

    if missing := missing_packages():
        raise NoOnnxRuntime(missing)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            torch.onnx.export(model, (x,), str(file), input_names=["x"], dynamo=True, verbose=False)
    except Exception as error:  # an exporter meets all that Python can do
        raise NoOnnxRuntime(f"cannot be exported: {type(error).__name__}: {first_line(error)}") from None


def missing_packages() -> str:
    """What has to be installed before a model of PyTorch can be given to ONNX Runtime; empty where all is here."""
    missing = [package for package in PACKAGES if importlib.util.find_spec(package) is None]
    names = " and ".join(missing)
    return f"{names} {'is' if len(missing) == 1 else 'are'} not installed: pip install {' '.join(missing)}" * bool(
        missing
    )


def first_line(error: BaseException) -> str:
    """What it says, as far as a line of a table has room."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "")[:200]


# --- in the process of its own ------------------------------------------------------------------------------------


def _serve(file: str, threads: str, given: str, results: str, parent: str) -> None:
    die_with(int(parent))
    import numpy as np

    try:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = int(threads), 1
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        feed = {session.get_inputs()[0].name: np.load(given)}
        made = session.run(None, feed)
        np.savez(results, **{f"{number:04}": one for number, one in enumerate(made)})
    except Exception as error:  # a file of ours, of which it may refuse whatever it does not know
        print(f"{type(error).__name__}: {first_line(error)}", flush=True)
        return
    call = timed(lambda: session.run(None, feed))
    print("ready", flush=True)
    for line in sys.stdin:
        print(call(int(line)), flush=True)


if __name__ == "__main__":
    _serve(*sys.argv[1:])
