"""What the torch backends on an NVIDIA GPU share: availability, precision, memory, the queue and its events."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pointwise_bench.backends._shared.torch import convolution as torch_convolution, cpu as torch_cpu
from pointwise_bench.backends.backend import Backend, DeviceTimer, Layer
from pointwise_bench.backends.problem import Problem

if TYPE_CHECKING:
    from pointwise_bench.backends.backend import Array


class CudaEvents:
    """Device time between two CUDA events. ``make`` is the library's class of timed events."""

    def __init__(self, make: Any) -> None:
        self._begin, self._end = make(), make()

    def start(self) -> None:
        """Record the opening event on the current stream."""
        self._begin.record()

    def stop(self) -> None:
        """Record the closing event on the current stream."""
        self._end.record()

    def elapsed_s(self) -> float:
        """Seconds between the events, which must have completed."""
        return float(self._begin.elapsed_time(self._end)) / 1e3


class TorchCuda(Backend):
    """Everything of a torch backend on the GPU but its layer."""

    device = "cuda"

    def missing(self) -> str | None:
        """Torch, a torch built for CUDA, or the GPU itself."""
        if reason := torch_cpu.missing_torch():
            return reason
        if torch_cpu.built_without_cuda():
            return "this torch is built without CUDA: pip install torch from the index of your CUDA version"
        import torch

        return None if torch.cuda.is_available() else "no CUDA device is visible to torch: check nvidia-smi"

    def to_device(self, array: Array) -> Any:
        """A contiguous tensor on the device, in the problem's layout."""
        return torch_cpu.as_tensor(array, "cuda")

    def to_numpy(self, result: Any) -> Array:
        """The tensor's values, copied to the host."""
        return torch_cpu.as_array(result.cpu())

    def sync(self) -> None:
        """Wait for the device."""
        import torch

        torch.cuda.synchronize()

    def device_timer(self) -> DeviceTimer:
        """A pair of CUDA events."""
        import torch

        return CudaEvents(lambda: torch.cuda.Event(enable_timing=True))

    def ran(self) -> str | None:
        """The device and the libraries, as torch names them."""
        import torch

        cudnn = torch.backends.cudnn
        version = str(cudnn.version()) if cudnn.enabled else "off for this problem, on which its sums were not exact"
        return f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}, cuDNN {version}"

    # --- for the layers -------------------------------------------------------------------------------------

    def start(self, threads: int, *, tf32: bool = False) -> None:
        """The thread budget, the precision of float32, and cuDNN's search for the best algorithm allowed."""
        import torch

        torch_cpu.use_threads(threads)
        precision = "tf32" if tf32 else "ieee"
        torch.backends.cudnn.conv.fp32_precision = precision
        torch.backends.cuda.matmul.fp32_precision = precision
        # Sums of the half precisions stay in float32, also where a long reduction is split.
        torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
        torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.enabled = True

    def convolution(self, problem: Problem, weight: Array | None, bias: Array | None) -> Layer:
        """``conv2d`` and ReLU, or a gradient, on the device."""
        self.leave_out_inexact_cudnn(problem, weight)
        return torch_convolution.convolution(problem, weight, bias, "cuda")

    def leave_out_inexact_cudnn(self, problem: Problem, weight: Array | None) -> None:
        """Compute this problem without cuDNN if what its search chooses gives fractions where all is integer.

        With many channels and few outputs it may choose a Fourier transform, which is another arithmetic than that of
        float32 sums, and the gate says so. Which shapes end there depends on the GPU and on the search's timings, so it
        is seen and not told from the shape. torch cannot leave out one algorithm; without cuDNN cuBLAS multiplies.
        """
        import numpy as np
        import torch

        p = replace(problem, bias=False)
        if not p.batch:
            return
        ones = None if weight is None else np.ones_like(weight)
        layer, dtype = torch_convolution.convolution(p, ones, None, "cuda"), torch_cpu.dtype_of(p)
        seeded = torch.Generator().manual_seed(0)
        integers = (torch.randint(-3, 4, shape, generator=seeded) for shape in torch_cpu.input_shapes(p))
        y = layer(*(self.to_device(each.to(dtype).numpy()) for each in integers))
        torch.backends.cudnn.enabled = torch.equal(y, y.round())


def missing_cupy() -> str | None:
    """CuPy, or the GPU."""
    if not find_spec("cupy"):
        return "cupy is not installed: python -m pip install 'pointwise-bench[cupy]'"
    import cupy

    try:
        return None if cupy.cuda.runtime.getDeviceCount() else "CuPy sees no CUDA device: check nvidia-smi"
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return f"CuPy cannot reach a CUDA device: {error}; check nvidia-smi"


class CupyEvent:
    """CuPy's event with torch's two methods, so that one stopwatch serves both."""

    def __init__(self, cupy: Any) -> None:
        self._cupy = cupy
        self.event = cupy.cuda.Event()

    def record(self) -> None:
        """Enqueue on the current stream."""
        self.event.record()

    def elapsed_time(self, later: CupyEvent) -> float:
        """Milliseconds until ``later``."""
        return float(self._cupy.cuda.get_elapsed_time(self.event, later.event))
