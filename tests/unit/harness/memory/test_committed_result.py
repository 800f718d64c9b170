"""A result as bytes that nobody can change: it comes back as it was, and what could still be changed is not taken."""

from __future__ import annotations

import os

import ml_dtypes
import numpy as np
import pytest

from pointwise_bench.suites.harness.memory.committed_result import commit, committed
from pointwise_bench.suites.harness.memory.result_memory import ResultsLost
from pointwise_bench.suites.harness.memory.shared_arrays import SEALABLE, nameless_file


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("shape", [(1, 3, 5, 7), (2, 0, 3, 3)])
def test_a_result_comes_back_as_it_was(dtype: str, shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape)).reshape(shape).astype(getattr(ml_dtypes, dtype, dtype))
    descriptor = commit(array)
    array += 1  # what was committed stays
    assert np.array_equal(committed(descriptor, shape, dtype), array - 1)
    os.close(descriptor)


@pytest.mark.skipif(not SEALABLE, reason="this system has no seals")
def test_nobody_can_change_it_and_what_anybody_could_is_not_taken() -> None:
    descriptor = commit(np.ones(4, np.float32))
    for change in (lambda: os.pwrite(descriptor, b"wrong", 0), lambda: os.ftruncate(descriptor, 0)):
        with pytest.raises(PermissionError):
            change()
    os.close(descriptor)
    unsealed = nameless_file()
    os.pwrite(unsealed, bytes(16), 0)
    with pytest.raises(ResultsLost, match="not sealed"):
        committed(unsealed, (4,), "float32")
    os.close(unsealed)
    with pytest.raises(ResultsLost, match="cannot be read"):
        committed(unsealed, (4,), "float32")


@pytest.mark.parametrize("size", [3, 5])
def test_another_size_is_no_result(size: int) -> None:
    descriptor = commit(np.ones(size, np.float32))
    with pytest.raises(ResultsLost, match=f"has {4 * size} bytes instead of 16"):
        committed(descriptor, (4,), "float32")
    os.close(descriptor)
