"""Where backends keep what they compile: apart where it differs, and shared only where nothing is timed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from late_import import late_import

from pointwise_bench.backends._shared import loop_kernels
from pointwise_bench.backends._shared.opencl import binding
from pointwise_bench.backends.backend import RUN_CACHE, UNTIMED

SET_UP_BY_OPENCL = ("POCL_MAX_PTHREAD_COUNT", "POCL_KERNEL_CACHE", "POCL_CACHE_DIR", "PYOPENCL_NO_CACHE")


def test_serial_and_parallel_loops_never_load_each_others_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Numba tells them apart by nothing else: in one folder the serial loops ran on every thread of the budget."""
    numba = late_import("numba")
    monkeypatch.setenv(RUN_CACHE, str(tmp_path))
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    made = {parallel: loop_kernels.kernels.__wrapped__(parallel) for parallel in (False, True)}
    for layout in ("nchw", "nhwc"):
        serial, parallel = (Path(made[each][layout].stats.cache_path) for each in (False, True))
        assert serial != parallel
        assert serial.is_relative_to(tmp_path)
        assert parallel.is_relative_to(tmp_path)


@pytest.mark.parametrize(
    ("untimed", "in_a_run", "kept"), [(False, True, False), (True, True, True), (True, False, False)]
)
def test_opencl_kernels_are_kept_only_where_nothing_is_timed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, untimed: bool, in_a_run: bool, kept: bool
) -> None:
    for name in (*SET_UP_BY_OPENCL, RUN_CACHE, UNTIMED):
        monkeypatch.setenv(name, "")  # so that each is afterwards what it was
        monkeypatch.delenv(name)
    if untimed:
        monkeypatch.setenv(UNTIMED, "1")
    if in_a_run:
        monkeypatch.setenv(RUN_CACHE, str(tmp_path))
    binding.set_up(1)
    assert os.environ["POCL_KERNEL_CACHE"] == str(int(kept))
    assert (Path(os.environ["POCL_CACHE_DIR"]).parent == tmp_path) == kept
