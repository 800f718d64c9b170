"""The thread budget: what a worker's environment says, and what its libraries make of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pointwise_bench.backends import Source
from pointwise_bench.common.cores import available_cores
from pointwise_bench.suites.harness.machine.thread_variables import (
    PATIENT,
    VARIABLES,
    patient_variables,
    worker_variables,
)
from pointwise_bench.suites.harness.worker.client import WorkerClient


def test_every_variable_that_a_library_reads_holds_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    assert {name: worker_variables(3)[name] for name in VARIABLES} == dict.fromkeys(VARIABLES, "3")
    assert {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"} <= set(VARIABLES)


def test_the_rest_of_the_users_environment_is_kept_and_ours_is_untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMETHING_OF_THE_USERS", "kept")
    before = dict(os.environ)
    assert worker_variables(1)["SOMETHING_OF_THE_USERS"] == "kept"
    assert dict(os.environ) == before


def test_how_threads_wait_is_the_users_where_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PATIENT:
        monkeypatch.delenv(name, raising=False)
    assert patient_variables() == PATIENT
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    assert patient_variables() == {name: value for name, value in PATIENT.items() if name != "OMP_WAIT_POLICY"}
    assert not set(PATIENT) & set(VARIABLES), "a budget is no matter of patience"


def test_a_child_imports_from_where_this_process_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    folders = worker_variables(1)["PYTHONPATH"].split(os.pathsep)
    assert folders[0] == str(Path.cwd())
    assert str(tmp_path) in folders


@pytest.mark.skipif(available_cores() < 2, reason="one core has one budget only")
@pytest.mark.parametrize("threads", [1, 2])
def test_the_blas_in_a_worker_keeps_to_the_budget(threads: int, tmp_path: Path) -> None:
    worker = WorkerClient(
        "numpy-matmul", Source("built-in", "pointwise_bench.backends.numpy_matmul"), threads, tmp_path / "log"
    )
    try:
        assert worker.missing(30.0) is None
        libraries = worker.libraries(30.0)
    finally:
        worker.kill()
    assert libraries, "NumPy brings a BLAS that threadpoolctl knows"
    assert {library["num_threads"] for library in libraries} == {threads}
