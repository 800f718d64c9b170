"""CuPy's matmul on an NVIDIA GPU: NumPy's words, cuBLAS's work."""

from __future__ import annotations

from typing import Any

from pointwise_bench import Array, Backend, DeviceTimer, Layer, Problem, register
from pointwise_bench.backends._shared.arrays import read_pixels
from pointwise_bench.backends._shared.torch import cuda as torch_cuda


@register
class CupyMatmul(Backend):
    """``cupy.matmul`` with bias and ReLU in place, on the current stream; cuBLAS in float32 without TensorFloat-32.

    CuPy leaves TensorFloat-32 off unless ``CUPY_TF32`` is set; with that variable the gate refuses the result. Batched
    over images and groups in NCHW, over groups in NHWC. Each call returns a new array from CuPy's pool.
    """

    name = "cupy-matmul"
    device = "cuda"

    def missing(self) -> str | None:
        """CuPy, or the GPU."""
        return torch_cuda.missing_cupy()

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """Weights by group, and the bias in a shape that broadcasts over the pixels."""
        import cupy

        p, groups = problem, problem.groups
        nchw = p.layout == "nchw"
        kernels = cupy.asarray(weight.reshape(groups, p.out_channels // groups, p.in_channels // groups))
        operand = kernels if nchw else cupy.ascontiguousarray(kernels.transpose(0, 2, 1))
        addend = None if bias is None else cupy.asarray(bias.reshape((-1, 1, 1) if nchw else (-1,)))
        channels, pixels = p.in_channels // groups, p.out_height * p.out_width

        def layer(x: Any) -> Any:
            x = read_pixels(p, x)
            if p.batch == 0:
                return cupy.empty(p.output_shape, p.dtype)
            if nchw:
                product = cupy.matmul(operand, x.reshape(p.batch, groups, channels, pixels))
            else:
                product = cupy.matmul(x.reshape(p.pixels, groups, channels).transpose(1, 0, 2), operand)
                product = cupy.ascontiguousarray(product.transpose(1, 0, 2))
            y = product.reshape(p.output_shape)
            if addend is not None:
                y += addend
            return cupy.maximum(y, 0, out=y) if p.activation == "relu" else y

        return layer

    def to_device(self, array: Array) -> Any:
        """The array in the device's memory."""
        import cupy

        return cupy.asarray(array)

    def to_numpy(self, result: Any) -> Array:
        """The values, copied to the host."""
        return result.get()  # type: ignore[no-any-return]

    def sync(self) -> None:
        """Wait for the device."""
        import cupy

        cupy.cuda.Device().synchronize()

    def device_timer(self) -> DeviceTimer:
        """A pair of CUDA events."""
        import cupy

        return torch_cuda.CudaEvents(lambda: torch_cuda.CupyEvent(cupy))
