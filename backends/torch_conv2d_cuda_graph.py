"""PyTorch's convolution on an NVIDIA GPU, recorded once as a CUDA graph and replayed."""

from __future__ import annotations

from typing import Any

from pointwise_bench import Array, Layer, Problem, register
from pointwise_bench.backends._shared.torch import cuda as torch_cuda

WARM_UP = 3  # calls before the recording, as torch's notes on CUDA graphs advise: cuDNN's search must be over


@register
class TorchConv2dCudaGraph(torch_cuda.TorchCuda):
    """``torch.cuda.CUDAGraph`` of ``conv2d`` and ReLU: one launch, without Python or torch's dispatcher in between.

    A graph reads from the memory it was recorded on, so each call copies its input there first, on the device and on
    the clock. IEEE float32; the kernels are those of ``torch-conv2d-cuda``.
    """

    name = "torch-conv2d-cuda-graph"
    output = "reused"

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """Warm up on a stream of its own, then record; nothing of an empty batch can be recorded."""
        import torch

        self.start(threads)
        compute = self.convolution(problem, weight, bias)
        if problem.batch == 0:
            return compute
        x = torch.zeros(problem.input_shape, dtype=getattr(torch, problem.dtype), device=self.to_device(weight).device)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                compute(x)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            y = compute(x)

        def layer(new: Any, _reads: Layer = compute) -> Any:  # kernel and bias, which a graph knows by address alone
            x.copy_(new)
            graph.replay()
            return y

        return layer
