"""What the torch backends share: availability, the thread budget, and crossing between NumPy and torch."""

from __future__ import annotations

import re
import warnings
from abc import abstractmethod
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pointwise_bench.backends._shared import gradients, halves, residual
from pointwise_bench.backends._shared.activation import tensors as activation
from pointwise_bench.backends._shared.torch import onednn
from pointwise_bench.backends.backend import Backend, Layer
from pointwise_bench.backends.problem import ACTIVATIONS, Problem

if TYPE_CHECKING:
    from pointwise_bench.backends.backend import Array


class TorchCpu(Backend):
    """Everything of a torch backend on the CPU but its layer."""

    dtypes: ClassVar[tuple[str, ...]] = halves.ALL_DTYPES
    directions: ClassVar[tuple[str, ...]] = gradients.ALL_DIRECTIONS
    activations: ClassVar[tuple[str, ...]] = ACTIVATIONS
    adds: ClassVar[bool] = True
    imports: ClassVar[tuple[str, ...]] = ("torch",)
    _last: tuple[Problem, Layer] | None = None

    def missing(self) -> str | None:
        """Torch, where it is not installed."""
        return missing_torch()

    def prepare(self, problem: Problem, weight: Array | None, bias: Array | None, threads: int) -> Layer:
        """The budget, and the layer of the subclass."""
        use_threads(threads)
        layer = (self.make_adding if problem.add else self.make)(problem, weight, bias)
        self._last = (problem, layer)
        return layer

    @abstractmethod
    def make(self, problem: Problem, weight: Any, bias: Array | None) -> Layer:
        """The layer of the problem's direction; see :meth:`Backend.prepare`."""

    def make_adding(self, problem: Problem, weight: Any, bias: Array | None) -> Layer:
        """The layer of a problem with a residual: here, ``add_`` behind that of :meth:`make`, and the activation."""
        make = lambda p: self.make(p, weight, bias)  # noqa: E731
        return residual.added_behind(problem, make, lambda y, other: y.add_(other), activation.in_place(problem))

    def ran(self) -> str | None:
        """The primitives of oneDNN that the last layer ran, if any, and what torch was built and set to use."""
        import torch

        if self._last is None:
            return None
        problem, layer = self._last
        inputs = [torch.zeros(shape, dtype=dtype_of(problem)) for shape in input_shapes(problem)]
        kernels = ", ".join(onednn.kernels_of(lambda: layer(*inputs))) or "no primitive of oneDNN"
        used = "on" if torch.backends.mkldnn.enabled and torch.backends.mkldnn.is_available() else "OFF"
        mkl, built_for = torch.backends.mkl.is_available(), torch.backends.cpu.get_cpu_capability()
        return (
            f"{problem}: {kernels}; torch {torch.__version__} for {built_for}, {'with' if mkl else 'without'} MKL, "
            f"oneDNN {used}, {torch.get_num_threads()} threads"
        )

    def to_device(self, array: Array) -> Any:
        """A tensor of the array's own memory, contiguous in the problem's layout."""
        return as_view(array)

    def to_numpy(self, result: Any) -> Array:
        """The tensor's values, without a copy; NHWC results are views in the problem's layout already."""
        return as_array(result)


def built_without_cuda() -> bool:
    """Whether the file in which torch keeps its version says so; torch itself is asked where that does not tell.

    Importing torch takes a second, which each of its backends for CUDA would pay where there is no GPU.
    """
    spec = find_spec("torch")
    said = None
    if spec is not None and spec.origin is not None:
        with suppress(OSError):
            version = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
            said = re.search(r"^cuda\b[^=]*= *(.*)$", version, re.MULTILINE)
    if said is not None:
        return said[1].strip() == "None"
    import torch

    return not torch.backends.cuda.is_built()


def missing_torch() -> str | None:
    """The remedy where torch is not installed."""
    return None if find_spec("torch") else "torch is not installed: python -m pip install 'pointwise-bench[torch]'"


def use_threads(threads: int) -> None:
    """Hold torch's own pool to the budget, and switch off what only training needs."""
    import torch

    torch.set_num_threads(threads)
    # Once for the process rather than `with torch.inference_mode()` in the layer: entering it costs a microsecond.
    torch.set_grad_enabled(False)


def dtype_of(p: Problem) -> Any:
    """Torch's name for the problem's element type."""
    import torch

    return getattr(torch, p.dtype)


def input_shapes(p: Problem) -> list[tuple[int, int, int, int]]:
    """The shapes of what a layer of the problem's direction is called with."""
    return list(p.input_shapes)


def as_tensor(array: Array, device: str = "cpu") -> Any:
    """A tensor with a copy of the array: torch warns, rightly, when it is given memory that it must not write."""
    import torch

    if array.dtype.name == "bfloat16":  # of ml_dtypes, which torch does not know: the bits are the same
        return torch.from_numpy(array.view("int16").copy()).view(torch.bfloat16).to(device)
    return torch.from_numpy(array.copy()).to(device)


def as_view(array: Array) -> Any:
    """A tensor of the array's own memory, which nobody writes to: torch's warning of that is not for us."""
    import torch

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        if array.dtype.name == "bfloat16":  # of ml_dtypes, which torch does not know
            return torch.from_numpy(array.view("int16")).view(torch.bfloat16)
        return torch.from_numpy(array)


def as_array(tensor: Any) -> Array:
    """The tensor's values on the CPU, without a copy."""
    import torch

    if tensor.dtype == torch.bfloat16:
        from ml_dtypes import bfloat16

        return tensor.view(torch.int16).numpy().view(bfloat16)  # type: ignore[no-any-return]
    return tensor.numpy()  # type: ignore[no-any-return]
