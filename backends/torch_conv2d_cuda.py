"""PyTorch's convolution on an NVIDIA GPU, in IEEE float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backends import Backend, DeviceTimer, Layer, Problem, _torch, register

if TYPE_CHECKING:
    from backends.backend import Array


class CudaEvents:
    """Device time between two CUDA events."""

    def __init__(self, torch: Any) -> None:
        self._begin = torch.cuda.Event(enable_timing=True)
        self._end = torch.cuda.Event(enable_timing=True)

    def start(self) -> None:
        """Record the opening event on the current stream."""
        self._begin.record()

    def stop(self) -> None:
        """Record the closing event on the current stream."""
        self._end.record()

    def elapsed_s(self) -> float:
        """Seconds between the events, which must have completed."""
        return float(self._begin.elapsed_time(self._end)) / 1e3


@register
class TorchConv2dCuda(Backend):
    """``conv2d`` on the GPU. cuDNN picks the algorithm, measured once per shape in ``prepare``.

    float32 means IEEE float32 here: TensorFloat-32, torch's default for convolutions, keeps ten bits of the
    mantissa and would be a backend of its own.
    """

    name = "torch-conv2d-cuda"
    device = "cuda"

    def missing(self) -> str | None:
        """Torch, a torch built for CUDA, or the GPU itself."""
        if reason := _torch.missing_torch():
            return reason
        import torch

        if not torch.backends.cuda.is_built():
            return "this torch is built without CUDA: pip install torch from the index of your CUDA version"
        return None if torch.cuda.is_available() else "no CUDA device is visible to torch: check nvidia-smi"

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """Kernel and bias on the device, IEEE arithmetic, and cuDNN's search for the best algorithm allowed."""
        import torch
        from torch.nn.functional import conv2d

        _torch.use_threads(threads)
        torch.backends.cudnn.conv.fp32_precision = "ieee"
        torch.backends.cuda.matmul.fp32_precision = "ieee"
        torch.backends.cudnn.benchmark = True
        channels_last = problem.layout == "nhwc"
        memory_format = torch.channels_last if channels_last else torch.contiguous_format
        kernel = self.to_device(weight)[:, :, None, None].contiguous(memory_format=memory_format)
        biases = None if bias is None else self.to_device(bias)

        def layer(x: Any) -> Any:
            if channels_last:
                x = x.permute(0, 3, 1, 2)
            y = conv2d(x, kernel, biases, stride=problem.stride, groups=problem.groups)
            if problem.activation == "relu":
                y.relu_()
            return y.permute(0, 2, 3, 1) if channels_last else y

        return layer

    def to_device(self, array: Array) -> Any:
        """A contiguous tensor on the device, in the problem's layout."""
        return _torch.as_tensor(array, "cuda")

    def to_numpy(self, result: Any) -> Array:
        """The tensor's values, copied to the host."""
        return result.cpu().numpy()  # type: ignore[no-any-return]

    def sync(self) -> None:
        """Wait for the device."""
        import torch

        torch.cuda.synchronize()

    def device_timer(self) -> DeviceTimer:
        """A pair of CUDA events."""
        import torch

        return CudaEvents(torch)
