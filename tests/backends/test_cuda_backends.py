"""The CUDA backends without a GPU: their layers on a fake device that runs torch's CPU kernels or NumPy's."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from late_import import late_import

from pointwise_bench.backends import Problem, registry
from pointwise_bench.backends._shared.torch import cpu as torch_cpu, cuda as torch_cuda
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.timing.judged_layer import JudgedLayer
from pointwise_bench.suites.harness.verify.cases import CaseSet

torch = late_import("torch")

PROBLEMS = [
    "n2c12h7w9-o20-s2-bias-relu",
    "n2c12h7w9-o20-s2-g2-bias-relu-nhwc",
    "n1c70h9w9-o66",
    "n3c8h5w5-o6-bias-nhwc",
]
FLOAT64 = ["n2c12h7w9-o20-s2-bias-relu-float64", "n2c12h7w9-o20-g2-float64-nhwc"]
GRADIENTS = [
    f"n2c12h7w9-o20-s2-g2-bias{layout}-{direction}"
    for layout in ("", "-nhwc")
    for direction in ("backward-input", "backward-weight")
]
WITH_TORCH = ["torch-conv2d-cuda", "torch-conv2d-cuda-graph", "torch-matmul-cuda", "torch-conv2d-cuda-tf32"]


class Event:
    """A mark on the host's clock."""

    def __init__(self, enable_timing: bool = False) -> None:
        self.at_s = 0.0

    def record(self) -> None:
        """Now."""
        self.at_s = time.perf_counter()

    def elapsed_time(self, later: Event) -> float:
        """Milliseconds."""
        return (later.at_s - self.at_s) * 1e3


class Graph:
    """Records operations; a replay runs them once more on the very same memory, as a CUDA graph does.

    As there, results belong to the graph, and what came before it does not: a weak reference stands for the address.
    """

    def __init__(self) -> None:
        self.recorded: list[tuple[Any, list[Any], Any, Any]] = []
        self.made: list[Any] = []

    def record(self, function: Any, arguments: Any, keywords: Any) -> Any:
        """Run an operation and keep it."""
        result = function(*arguments, **keywords)
        self.recorded.append((function, [self._address(each) for each in arguments], keywords, result))
        self.made.append(result)
        return result

    def _address(self, argument: Any) -> Any:
        outside = isinstance(argument, torch.Tensor) and not any(argument is each for each in self.made)
        return weakref.ref(argument) if outside else argument

    def replay(self) -> None:
        """Everything again; what made new memory is copied to where the recording had it."""
        for function, addresses, keywords, result in self.recorded:
            arguments = [each() if isinstance(each, weakref.ref) else each for each in addresses]
            again = function(*arguments, **keywords)
            if again.data_ptr() != result.data_ptr():
                result.copy_(again)


def recording(graph: Graph) -> Any:
    """A context in which ``graph`` records every operation of torch."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Recording(TorchDispatchMode):  # type: ignore[misc]  # torch is Any here
        def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), keywords: Any = None) -> Any:
            return graph.record(function, arguments, keywords or {})

    return Recording()


class Stream:
    """All streams of the fake are one."""

    def wait_stream(self, other: Stream) -> None:
        """In order already."""


@contextmanager
def nothing(_: Any) -> Iterator[None]:
    yield


@pytest.fixture
def synchronised(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The fake device, as when each synchronisation happened."""
    calls: list[float] = []
    original = torch_cpu.as_tensor
    monkeypatch.setattr(torch_cpu, "as_tensor", lambda array, device="cpu": original(array))
    monkeypatch.setattr(torch.backends.cudnn, "enabled", True)  # put back afterwards
    for name, fake in {
        "synchronize": lambda: calls.append(time.perf_counter()),
        "Event": Event,
        "Stream": Stream,
        "current_stream": Stream,
        "stream": nothing,
        "CUDAGraph": Graph,
        "graph": recording,
    }.items():
        monkeypatch.setattr(torch.cuda, name, fake)
    return calls


def check(name: str, text: str) -> JudgedLayer:
    problem = Problem.parse(text)
    assert registry.get(name).refuses(problem) is None
    timed_layer = JudgedLayer(registry.get(name), threads=1)
    timed_layer.set_up(problem, CaseSet.of(problem, seed=1))
    turn = timed_layer.turn(3, 0.0)
    assert turn.device_seconds_per_call is not None
    assert 0 < turn.device_seconds_per_call < 1
    timed_layer.finish()
    return timed_layer


@pytest.mark.parametrize("text", [*PROBLEMS, *FLOAT64])
@pytest.mark.parametrize("name", WITH_TORCH[:3])
def test_torch_layers_pass_the_gate(synchronised: list[float], name: str, text: str) -> None:
    check(name, text)
    assert len(synchronised) > 6  # every timed call was waited for


@pytest.mark.parametrize("text", GRADIENTS)
@pytest.mark.parametrize("name", ["torch-conv2d-cuda", "torch-conv2d-cuda-tf32"])
def test_torch_gradients_pass_the_gate(synchronised: list[float], name: str, text: str) -> None:
    check(name, text)


@pytest.mark.parametrize("text", PROBLEMS)
def test_tf32_differs_by_the_precision_it_asks_for(synchronised: list[float], text: str) -> None:
    check("torch-conv2d-cuda-tf32", text)
    assert torch.backends.cudnn.conv.fp32_precision == "tf32"
    check("torch-conv2d-cuda", text)
    assert torch.backends.cudnn.conv.fp32_precision == "ieee"
    assert torch.backends.cuda.matmul.fp32_precision == "ieee"


def test_a_graph_that_forgets_its_input_is_caught(synchronised: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the fake: without a replay the answer is that of the recording, and the gate says so."""
    monkeypatch.setattr(Graph, "replay", lambda graph: None)
    with pytest.raises(WrongAnswer):
        check("torch-conv2d-cuda-graph", PROBLEMS[0])


@pytest.mark.parametrize("text", PROBLEMS)
@pytest.mark.parametrize("name", ["torch-conv2d-cuda", "torch-conv2d-cuda-graph"])
def test_where_cudnn_is_not_exact_it_is_left_out(
    synchronised: list[float], monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    """As seen of its Fourier transform: sums of integers that are off by 6e-5."""
    right = torch.nn.functional.conv2d
    off = {True: 6e-5, False: 0.0}
    monkeypatch.setattr(
        torch.nn.functional, "conv2d", lambda *a, **named: right(*a, **named) + off[torch.backends.cudnn.enabled]
    )
    check(name, text)
    assert not torch.backends.cudnn.enabled
    monkeypatch.setattr(torch_cuda.TorchCuda, "leave_out_inexact_cudnn", lambda *_: None)
    with pytest.raises(WrongAnswer, match="small integers"):
        check(name, text)


@pytest.mark.parametrize("name", WITH_TORCH)
def test_an_empty_batch_gives_an_empty_result(synchronised: list[float], name: str) -> None:
    problem = Problem(batch=0, in_channels=4, out_channels=6, height=5, width=5, bias=True)
    backend = registry.get(name)
    layer = backend.prepare(problem, np.ones((6, 4), "float32"), np.ones(6, "float32"), 1)
    assert backend.to_numpy(layer(torch.empty(0, 4, 5, 5))).shape == (0, 6, 5, 5)


@pytest.mark.parametrize("name", [*WITH_TORCH, "torch-compile-cuda", "triton-cuda", "cupy-matmul"])
def test_says_why_it_cannot_run_here(name: str) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    assert len((registry.get(name).missing() or "").split()) > 4


# --- triton, by its own interpreter ---------------------------------------------------------------------------------


@pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") != "1", reason="run by the test below, in its own process")
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # the interpreter is NumPy, see below
@pytest.mark.parametrize("text", PROBLEMS)
def test_interpreted_kernel_passes_the_gate(synchronised: list[float], text: str) -> None:
    check("triton-cuda", text)


def test_the_triton_kernel_passes_the_gate() -> None:
    """In a process that has the interpreter switched on before Triton is first imported."""
    pytest.importorskip("triton")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", "interpreted_kernel"]
    done = subprocess.run(
        command, env=os.environ | {"TRITON_INTERPRET": "1"}, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert f"{len(PROBLEMS)} passed" in done.stdout


# --- cupy, as NumPy with a device's manners ---------------------------------------------------------------------------


class OnDevice(np.ndarray):
    """An array that is read by ``get``, as CuPy's."""

    def get(self) -> Any:
        """A copy on the host."""
        return np.array(self)


@pytest.fixture
def fake_cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    def on_device(function: Any) -> Any:
        return lambda *arguments, **keywords: function(*arguments, **keywords).view(OnDevice)

    def between(first: Event, last: Event) -> float:
        return first.elapsed_time(last)

    cuda = SimpleNamespace(
        Event=Event,
        get_elapsed_time=between,
        Device=lambda: SimpleNamespace(synchronize=lambda: None),
    )
    names = ("asarray", "matmul", "maximum", "ascontiguousarray", "empty")
    module = SimpleNamespace(cuda=cuda, **{name: on_device(getattr(np, name)) for name in names})
    monkeypatch.setitem(sys.modules, "cupy", module)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # NumPy warns of the gate's infinities
@pytest.mark.parametrize("text", [*PROBLEMS, *FLOAT64])
def test_cupy_passes_the_gate(fake_cupy: None, text: str) -> None:
    check("cupy-matmul", text)


@pytest.mark.parametrize(
    ("text", "answer"),
    [("cuda: Optional[str] = None\n", True), ("cuda = None\n", True), ("cuda: Optional[str] = '12.8'\n", False)],
)
def test_a_torch_without_cuda_is_known_by_its_version_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, answer: bool
) -> None:
    (tmp_path / "version.py").write_text(f"__version__ = '2'\n{text}hip = None\n")
    monkeypatch.setattr(torch_cpu, "find_spec", lambda name: SimpleNamespace(origin=str(tmp_path / "__init__.py")))
    assert torch_cpu.built_without_cuda() is answer


def test_torch_itself_is_asked_where_its_version_file_does_not_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_cpu, "find_spec", lambda name: SimpleNamespace(origin=str(tmp_path / "__init__.py")))
    for built in (True, False):
        monkeypatch.setattr(torch.backends.cuda, "is_built", lambda built=built: built)
        assert torch_cpu.built_without_cuda() is not built
