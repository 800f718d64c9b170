"""The thread budget as the usual libraries read it: from the environment, when they are loaded."""

from __future__ import annotations

import os
import sys
from pathlib import Path

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


def worker_variables(threads: int) -> dict[str, str]:
    """A child's environment: the user's own, the thread budget, and this process's import path."""
    import_path = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
    return os.environ | dict.fromkeys(VARIABLES, str(threads)) | padding() | {"PYTHONPATH": import_path}
