"""The thread budget as the usual libraries read it: from the environment, when they are loaded."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from pointwise_bench.suites.harness.memory.random_layout import padding

VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


PATIENT: Final = {
    "OMP_WAIT_POLICY": "passive",
    "GOMP_SPINCOUNT": "0",  # of GNU's OpenMP
    "KMP_BLOCKTIME": "0",  # of LLVM's and Intel's
    "OPENBLAS_THREAD_TIMEOUT": "4",  # a power of two, of cycles, and the smallest
}
"""Threads sleep while they wait for work, where they would spin. That takes some microseconds to wake from, which is
nothing where nothing is timed, and saves what they take from everybody else meanwhile: half of all processor time that
the questions on all threads took, and most of their duration where there are no more cores than threads."""


def patient_variables() -> dict[str, str]:
    """Those of :data:`PATIENT` that the user has not set: for workers in which nothing is timed."""
    return {name: value for name, value in PATIENT.items() if name not in os.environ}


def worker_variables(threads: int) -> dict[str, str]:
    """A child's environment: the user's own, the thread budget, and this process's import path."""
    import_path = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
    return os.environ | dict.fromkeys(VARIABLES, str(threads)) | padding() | {"PYTHONPATH": import_path}
