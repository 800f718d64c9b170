"""What torch.compile needs and leaves: a C++ compiler, and nothing in the user's folders."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backends import registry

pytest.importorskip("torch")

COMPILE = """
import sys
import numpy as np
from backends import Problem, registry
problem = Problem.parse(sys.argv[1])
backend = registry.get("torch-compile")
rng = np.random.default_rng(0)
x = rng.standard_normal(problem.input_shape).astype(problem.dtype)
weights = [rng.standard_normal(problem.weight_shape).astype(problem.dtype) for _ in range(2)]
layers = [backend.prepare(problem, weight, None, 1) for weight in weights]
for weight, layer in zip(weights, layers):
    y = backend.to_numpy(layer(backend.to_device(x)))
    np.testing.assert_allclose(y, np.maximum(np.einsum("oc,nchw->nohw", weight, x), 0), atol=1e-4)
from torch._dynamo.utils import counters
print("graphs:", counters["stats"]["unique_graphs"])
"""


def test_without_a_compiler_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    reason = registry.get("torch-compile").missing() or ""
    assert "C++ compiler" in reason
    assert "apt-get install g++" in reason


def test_a_compiler_of_the_users_own_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = tmp_path / "my-compiler"
    own.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CXX", "my-compiler")
    assert registry.get("torch-compile").missing() is None


def test_compiles_once_for_all_weights_and_leaves_the_users_folders_alone(tmp_path: Path) -> None:
    if reason := registry.get("torch-compile").missing():
        pytest.skip(reason)
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    variables = {"HOME": str(home), "TMPDIR": str(temporary), "XDG_CACHE_HOME": str(home / ".cache")}
    command = [sys.executable, "-c", COMPILE, "n1c12h9w9-o8-relu"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TORCHINDUCTOR")}
    done = subprocess.run(
        command, env=kept | variables, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "graphs: 1" in done.stdout
    assert list(home.iterdir()) == []
    # The compiler's precompiled header, in inductor's folder beside the temporary ones, is all that stays.
    assert all(path.name.startswith("torchinductor_") for path in temporary.iterdir())
