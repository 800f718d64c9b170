"""What torch.compile needs and leaves: a C++ compiler, and nothing in the user's folders."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT

from pointwise_bench.backends import registry
from pointwise_bench.backends.backend import RUN_CACHE

pytest.importorskip("torch")

COMPILE = """
import sys
import numpy as np
from pointwise_bench.backends import Problem, registry
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
print("from a cache:", counters["inductor"]["fxgraph_cache_hit"])
"""


def compile_in(home: Path, **variables: str) -> str:
    """What a process prints that compiles a problem for two layers, with ``home`` as all of the user's folders."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TORCHINDUCTOR")}
    own = {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
    done = subprocess.run(
        [sys.executable, "-c", COMPILE, "n1c12h9w9-o8-relu"],
        env=kept | own | variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


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
    assert "graphs: 1\nfrom a cache: 0" in compile_in(home, TMPDIR=str(temporary))
    assert list(home.iterdir()) == []
    # The compiler's precompiled header, in inductor's folder beside the temporary ones, is all that stays.
    assert all(path.name.startswith("torchinductor_") for path in temporary.iterdir())


def test_a_later_start_in_a_run_finds_what_the_first_compiled_and_another_run_does_not(tmp_path: Path) -> None:
    if reason := registry.get("torch-compile").missing():
        pytest.skip(reason)
    home, run, other = (tmp_path / name for name in ("home", "run", "other"))
    for folder in (home, run, other):
        folder.mkdir()
    said = [compile_in(home, **{RUN_CACHE: str(folder)}) for folder in (run, run, other)]
    assert [text.split("from a cache: ")[1].strip() for text in said] == ["0", "1", "0"]
    assert list(home.iterdir()) == []
