"""What ONNX Runtime's backend keeps of a layer that nobody uses any more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pointwise_bench.backends import Layer, Problem, registry


def threads() -> int:
    """How many this process has, of all libraries."""
    return len(list(Path("/proc/self/task").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted as Linux lists them")
def test_a_forgotten_layer_leaves_no_threads() -> None:
    """Each session has threads of its own, which go on spinning beside the next session's: that took half its speed."""
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    backend, problem = registry.get("onnxruntime"), Problem(batch=1, in_channels=16, out_channels=16, height=8, width=8)

    def prepared() -> Layer:
        return backend.prepare(problem, np.ones(problem.weight_shape, np.float32), None, threads=3)

    kept = prepared()
    before = threads()
    forgotten = prepared()
    assert threads() > before, "a session without threads of its own shows nothing"
    del forgotten
    assert threads() == before
    assert callable(kept)
