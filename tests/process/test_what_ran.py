"""A backend says what really ran, and a silent fall-back is seen in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from make_run import cell, write_run
from soak import SOAK

from pointwise_bench.backends import Backend, Problem, registry
from pointwise_bench.report.__main__ import main
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.gate import Declared
from pointwise_bench.suites.harness.worker.client import WorkerClient
from pointwise_bench.suites.harness.worker.client_protocol import SharedCases

PROBLEM = Problem(batch=1, in_channels=16, out_channels=32, height=7, width=7)
PATIENCE_S = 60.0
ON_TORCH = ("torch-conv2d", "torch-conv2d-channels-last", "torch-linear")


def built_in() -> list[str]:
    return [name for name in registry.names() if registry.source(name).kind == "built-in"]


def that_say(*, each: bool = SOAK) -> list[str]:
    """Backends with a ``ran`` of their own. Of those that share one a single backend, but with ``each``.

    The last by name: of PyTorch's on the CPU the first one, torch-compile, compiles for twenty seconds.
    """
    found: dict[object, list[str]] = {}
    for name in reversed(built_in()):
        found.setdefault(type(registry.get(name)).ran, []).append(name)
    del found[Backend.ran]
    return sorted(name for names in found.values() for name in (names if each else names[:1]))


def is_one_line(ran: str | None) -> bool:
    return ran is not None and ran == " ".join(ran.split()) and len(ran) > 10


@pytest.mark.parametrize("name", that_say())
def test_says_one_line(name: str, tmp_path: Path) -> None:
    declared = Declared.by(registry.get(name))
    worker = WorkerClient(name, registry.source(name), threads=1, log=tmp_path / "log", declared=declared)
    cases = SharedCases(PROBLEM, CaseSet.of(PROBLEM, seed=0))
    try:
        if reason := worker.missing(PATIENCE_S):
            pytest.skip(reason)
        worker.set_up(cases, PATIENCE_S)
        ran = worker.ran(PATIENCE_S)
        worker.turn(1, 0.0, None, PATIENCE_S)
        worker.finish(PATIENCE_S)  # asking has changed nothing
    finally:
        cases.close()
        worker.kill()
    assert is_one_line(ran), ran


@pytest.mark.filterwarnings("ignore:TF32 acceleration on top of oneDNN")  # as below
@pytest.mark.parametrize("name", sorted({*that_say(each=True)} & {*ON_TORCH}))
def test_others_of_torch_say_one_line_in_this_process(name: str) -> None:
    """Theirs is the ``ran`` of a backend above, of another layer; torch is imported once for all of them."""
    torch = pytest.importorskip("torch")
    backend, before = registry.get(name), torch.get_num_threads()
    backend.prepare(PROBLEM, CaseSet.of(PROBLEM, seed=0).real.weight, None, 1)  # type: ignore[arg-type]
    ran = backend.ran()
    torch.set_num_threads(before)
    assert is_one_line(ran), ran
    assert PROBLEM.id in str(ran)


@pytest.mark.filterwarnings("ignore:TF32 acceleration on top of oneDNN")  # torch warns of what its own flags restore
def test_a_fall_back_of_torch_is_seen() -> None:
    torch = pytest.importorskip("torch")
    backend = registry.get("torch-conv2d")
    # One thread, or a single small picture, torch leaves to its own loops around MKL.
    problem, before = replace(PROBLEM, batch=2), torch.get_num_threads()
    weight = CaseSet.of(problem, seed=0).real.weight
    backend.prepare(problem, weight, None, 2)  # type: ignore[arg-type]  # forward has weights
    if not torch.backends.mkldnn.is_available():
        pytest.skip("this torch is built without oneDNN")
    usual = backend.ran() or ""
    assert "convolution by " in usual
    assert "oneDNN on" in usual
    with torch.backends.mkldnn.flags(enabled=False):
        fallen_back = backend.ran() or ""
    assert "no primitive of oneDNN" in fallen_back
    assert "oneDNN OFF" in fallen_back
    torch.set_num_threads(before)


def test_the_precision_of_openvino_is_seen() -> None:
    pytest.importorskip("openvino")
    backend = registry.get("openvino")
    backend.prepare(PROBLEM, CaseSet.of(PROBLEM, seed=0).real.weight, None, 1)  # type: ignore[arg-type]
    ran = backend.ran() or ""
    assert "Convolution by " in ran
    assert "INFERENCE_PRECISION_HINT <Type: 'float32'>" in ran


def test_the_page_shows_it(tmp_path: Path) -> None:
    told = {"a, 1 threads": "convolution by brgconv_1x1:avx512_core"}
    folder = write_run(tmp_path, [cell("a", "n1c8h4w4-o8", [1e-3] * 9)], ran=told)
    assert main([str(folder), "--out", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "index.html").read_text()
    assert "what ran: a, 1 threads" in page
    assert "brgconv_1x1:avx512_core" in page
