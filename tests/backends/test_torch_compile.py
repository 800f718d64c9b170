"""What torch.compile needs and leaves: a C++ compiler, and nothing in the user's folders."""

from __future__ import annotations

import getpass
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest
from late_import import late_import
from places import ROOT

from pointwise_bench.backends import registry
from pointwise_bench.backends.backend import RUN_CACHE

late_import("torch")

PROCESSES = """
import json, os, sys, traceback
import numpy as np
import torch._inductor.compile_fx
from torch._dynamo.utils import counters
from pointwise_bench.backends import Problem, registry

backend = registry.get("torch-compile")

def compile_for_two_layers(name):
    counters.clear()
    problem = Problem.parse(name)
    rng = np.random.default_rng(0)
    x = rng.standard_normal(problem.input_shape).astype(problem.dtype)
    weights = [rng.standard_normal(problem.weight_shape).astype(problem.dtype) for _ in range(2)]
    layers = [backend.prepare(problem, weight, None, 1) for weight in weights]
    for weight, layer in zip(weights, layers):
        y = backend.to_numpy(layer(backend.to_device(x)))
        y_by_hand = np.einsum("oc,nhwc->nhwo", weight, x)
        expected = np.maximum(y_by_hand, 0) if problem.activation == "relu" else y_by_hand
        np.testing.assert_allclose(y, expected, atol=1e-4)
    print(counters["stats"]["unique_graphs"], counters["inductor"]["fxgraph_cache_hit"], flush=True)

first, *processes = json.loads(sys.argv[1])
problem = Problem.parse(first)
backend.prepare(problem, np.ones(problem.weight_shape, problem.dtype), None, 1)
for variables, name in processes:
    if (child := os.fork()) == 0:
        os.environ |= variables
        try:
            compile_for_two_layers(name)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""
IN_NO_RUN: dict[str, str] = {}
WITH_CODE = "n1c12h9w9-o8-relu-nhwc"
WITHOUT_CODE = "n1c12h9w9-o8-float64-nhwc"
"""Of the ReLU inductor makes C++, which a compiler needs three seconds for; of the rest a graph that calls oneDNN."""
BY_ALL = "n1c3h4w4-o2-float64-nhwc"
"""A graph of another problem, compiled before all others: what inductor prepares for its first takes it longest."""


class Compiled(NamedTuple):
    """What processes have compiled and found, and what they have left."""

    graphs: list[int]
    from_a_cache: list[int]
    home: Path
    temporary: Path


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """Four processes that compile a problem for two layers: in no run, twice in one run, and once in another.

    One after the other, forked from one that has imported torch and compiled a graph, which takes longer than all that
    is asked; it was in no run, and has left nothing. The first also leaves what the C++ compiler writes; what a run
    keeps is asked of a graph, which is kept with its code or without.
    """
    if reason := registry.get("torch-compile").missing():
        pytest.skip(reason)
    home, temporary, run, other = (tmp_path_factory.mktemp(name) for name in ("home", "tmp", "run", "other"))
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("TORCHINDUCTOR") and name != RUN_CACHE
    }
    own = {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache"), "TMPDIR": str(temporary)}
    _share_the_header(temporary)
    # A trial of the compiler's vector instructions, seconds in each process, is no part of what is asked here.
    own["TORCHINDUCTOR_VEC_ISA_OK"] = "1"
    in_runs = [({RUN_CACHE: str(folder)}, WITHOUT_CODE) for folder in (run, run, other)]
    processes = [(IN_NO_RUN, WITH_CODE), *in_runs]
    done = subprocess.run(
        [sys.executable, "-c", PROCESSES, json.dumps([BY_ALL, *processes])],
        env=kept | own,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    counted = [[int(number) for number in line.split()] for line in done.stdout.splitlines()]
    return Compiled([graphs for graphs, _ in counted], [found for _, found in counted], home, temporary)


def _share_the_header(temporary: Path) -> None:
    """Have the precompiled header in ``temporary`` be that of everybody: nine seconds of what is not asked here.

    Whoever compiled first on this machine has made it; inductor locks it, and makes it anew where it does not fit.
    """
    name = f"torchinductor_{getpass.getuser()}"
    headers = Path(tempfile.gettempdir(), name, "precompiled_headers")
    headers.mkdir(parents=True, exist_ok=True)
    (temporary / name).mkdir()
    (temporary / name / headers.name).symlink_to(headers)


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


def test_compiles_once_for_all_weights(compiled: Compiled) -> None:
    assert compiled.graphs == [1, 1, 1, 1]


def test_leaves_the_users_folders_alone(compiled: Compiled) -> None:
    assert list(compiled.home.iterdir()) == []
    # The compiler's precompiled header, in inductor's folder beside the temporary ones, is all that stays.
    assert all(path.name.startswith("torchinductor_") for path in compiled.temporary.iterdir())


def test_a_later_start_in_a_run_finds_what_the_first_compiled_and_another_run_does_not(compiled: Compiled) -> None:
    in_no_run, *in_runs = compiled.from_a_cache
    assert in_no_run == 0
    assert in_runs == [0, 1, 0]
