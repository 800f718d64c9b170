"""What the OpenCL backend needs of its binding: availability, the queue, the built program, marks in time."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from pointwise_bench.backends._shared.opencl.kernels import SOURCE
from pointwise_bench.backends.backend import RUN_CACHE, UNTIMED

_PROBE = """
import pyopencl as cl
try:
    cl.Program(cl.create_some_context(interactive=False), "__kernel void nothing() {}").build()
except Exception as error:
    said = str(error).splitlines()
    print(next((line for line in said if line.startswith("error: ")), said[0])[:200])
"""
_PROBE_S = 30.0  # it takes a quarter of a second


def missing_opencl() -> str | None:
    """The binding, any driver, or a driver that can compile here.

    The device is asked in a process of its own: PoCL would start its threads before it knows the budget.
    """
    remedy = "python -m pip install 'pointwise-bench[opencl]'"
    if not find_spec("pyopencl"):
        return f"pyopencl is not installed: {remedy}"
    drivers = find_spec("pocl_binary_distribution") or list(Path("/etc/OpenCL/vendors").glob("*.icd"))
    return _compiles_nothing() if drivers else f"no OpenCL driver is installed: {remedy}"


@cache
def _compiles_nothing() -> str | None:
    """Why the driver cannot compile even an empty kernel; None where it can.

    PoCL cannot for a processor that is newer than its LLVM, and every problem would count as the backend's failure.
    """
    alone = {"POCL_MAX_PTHREAD_COUNT": "1", "POCL_KERNEL_CACHE": "0", "PYOPENCL_NO_CACHE": "1"}
    try:
        command = [sys.executable, "-c", _PROBE]
        asked = subprocess.run(  # the text above
            command, capture_output=True, text=True, timeout=_PROBE_S, check=False, env=os.environ | alone
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"the OpenCL driver could not be asked to compile a kernel: {error}"
    said = asked.stdout.strip() or (f"it ended with {asked.returncode}" if asked.returncode else "")
    return f"the OpenCL driver compiles no kernel here, install a newer one: {said}" if said else None


def set_up(threads: int) -> None:
    """Hold PoCL to the budget and have everything compiled anew; before the binding is first imported.

    Both PoCL and the binding keep what they have compiled in the user's cache folder, so that ``prepare`` would be
    timed in the first process alone. What PoCL writes meanwhile goes to a folder beside the temporary ones. Where
    nothing is timed it keeps kernels with the session: two backends have the same, and each takes half a second.
    """
    os.environ["POCL_MAX_PTHREAD_COUNT"] = str(threads)  # read when PoCL's device is first asked for
    session = os.environ.get(RUN_CACHE) if UNTIMED in os.environ else None
    folder = Path(gettempdir(), "pointwise-bench-pocl") if session is None else Path(session, "pocl")
    os.environ["POCL_KERNEL_CACHE"] = "0" if session is None else "1"
    os.environ["POCL_CACHE_DIR"] = str(folder)
    os.environ["PYOPENCL_NO_CACHE"] = "1"


def built(context: Any, found: dict[str, int | str]) -> Any:
    """The program, compiled with these definitions; once in a process, also where the weights differ."""
    return _program(context, "".join(f"#define {name} {value}\n" for name, value in found.items()) + SOURCE)


@cache
def _program(context: Any, source: str) -> Any:
    import pyopencl as cl

    return cl.Program(context, source).build()


def new_queue() -> Any:
    """An in-order queue that keeps time, on the first device or on the one that ``PYOPENCL_CTX`` names."""
    import pyopencl as cl

    context = cl.create_some_context(interactive=False)
    return cl.CommandQueue(context, properties=cl.command_queue_properties.PROFILING_ENABLE)


class Markers:
    """Device time between two marks in a queue: the difference of when each was reached, on the device's clock."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue
        self._marks: list[Any] = []

    def start(self) -> None:
        """Enqueue the opening mark."""
        self._marks.clear()
        self.stop()

    def stop(self) -> None:
        """Enqueue a mark; the queue keeps order, so it is reached when the work before it is done."""
        import pyopencl as cl

        self._marks.append(cl.enqueue_marker(self._queue))

    def elapsed_s(self) -> float:
        """Seconds between the marks, which must have been reached."""
        first, last = self._marks
        return float(last.profile.end - first.profile.end) / 1e9
