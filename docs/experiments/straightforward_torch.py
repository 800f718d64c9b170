"""The plain use of PyTorch: twins of backends for ``against_straightforward.py``."""

from __future__ import annotations

from typing import Any

from pointwise_bench import Backend, register


class Plain(Backend):
    """What the twins share: the problem taken apart, and a refusal of what the layers above do not have."""

    def refuses(self, problem: Any) -> str | None:
        """Groups: none of the layers has them."""
        return super().refuses(problem) or (None if problem.groups == 1 else "the experiment has no groups")


def strided(p: Any, x: Any) -> Any:
    """The pixels that the stride reads."""
    return x[:, :: p.stride, :: p.stride] if p.layout == "nhwc" else x[:, :, :: p.stride, :: p.stride]


class PlainTorch(Plain):
    """Tensors in and out, gradients off, as many threads as the budget has."""

    def to_device(self, array: Any) -> Any:
        """A tensor of the array's own memory: on the CPU a layer takes what the harness has."""
        import torch

        return torch.from_numpy(array)

    def to_numpy(self, result: Any) -> Any:
        """Its values."""
        return result.numpy()

    def prepare(self, p: Any, weight: Any, bias: Any, threads: int) -> Any:
        """The layer of the subclass on tensors."""
        import torch

        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        w, b = (None if each is None else torch.from_numpy(each.copy()) for each in (weight, bias))
        return self.layer(torch, p, w, b)

    def layer(self, torch: Any, p: Any, w: Any, b: Any) -> Any:
        """``layer(x)``."""
        raise NotImplementedError


def gradient(torch: Any, p: Any, w: Any) -> Any:
    """A gradient by ``torch.nn.grad``, on views in channels last where the problem is NHWC."""

    def arriving(x: Any) -> Any:
        return x.permute(0, 3, 1, 2) if p.layout == "nhwc" else x

    def of_input(dy: Any) -> Any:
        shape = (p.batch, p.in_channels, p.height, p.width)
        dx = torch.nn.grad.conv2d_input(shape, w[:, :, None, None], arriving(dy), stride=p.stride)
        return dx.permute(0, 2, 3, 1).contiguous() if p.layout == "nhwc" else dx

    def of_weight(x: Any, dy: Any) -> Any:
        shape = (p.out_channels, p.in_channels, 1, 1)
        dw = torch.nn.grad.conv2d_weight(arriving(x), shape, arriving(dy), stride=p.stride)[:, :, 0, 0]
        return (dw, arriving(dy).sum((0, 2, 3))) if p.bias else dw

    return of_input if p.direction == "backward-input" else of_weight


@register
class PlainTorchConv2d(PlainTorch):
    """``conv2d``, on a view in channels last where the problem is NHWC."""

    name = "plain-torch-conv2d"
    directions = ("forward", "backward-input", "backward-weight")

    def layer(self, torch: Any, p: Any, w: Any, b: Any) -> Any:
        """One call."""
        if p.direction != "forward":
            return gradient(torch, p, w)
        kernel = w[:, :, None, None]

        def layer(x: Any) -> Any:
            x = x.permute(0, 3, 1, 2) if p.layout == "nhwc" else x
            y = torch.conv2d(x, kernel, b, stride=p.stride)
            y = torch.relu_(y) if p.activation == "relu" else y
            return y.permute(0, 2, 3, 1).contiguous() if p.layout == "nhwc" else y

        return layer


@register
class PlainTorchConv2dChannelsLast(PlainTorch):
    """``nn.Conv2d`` in channels last, as PyTorch's guide has it."""

    name = "plain-torch-conv2d-channels-last"

    def layer(self, torch: Any, p: Any, w: Any, b: Any) -> Any:
        """A module."""
        last = torch.channels_last
        module = torch.nn.Conv2d(p.in_channels, p.out_channels, 1, stride=p.stride, bias=b is not None)
        module.weight.data = w[:, :, None, None]
        if b is not None:
            module.bias.data = b
        module = module.to(memory_format=last).eval()

        def layer(x: Any) -> Any:
            x = x.permute(0, 3, 1, 2) if p.layout == "nhwc" else x.to(memory_format=last)
            y = module(x)
            y = torch.relu_(y) if p.activation == "relu" else y
            return y.permute(0, 2, 3, 1) if p.layout == "nhwc" else y.contiguous()

        return layer


@register
class PlainTorchMatmul(PlainTorch):
    """``torch.matmul``, then the bias."""

    name = "plain-torch-matmul"

    def layer(self, torch: Any, p: Any, w: Any, b: Any) -> Any:
        """One product."""
        transposed = w.T

        def layer(x: Any) -> Any:
            x = x if p.stride == 1 else strided(p, x)
            if p.layout == "nhwc":
                y = torch.matmul(x, transposed)
                y = y if b is None else y.add_(b)
            else:
                y = torch.matmul(w, x.reshape(p.batch, p.in_channels, -1)).view(p.output_shape)
                y = y if b is None else y.add_(b[:, None, None])
            return y.relu_() if p.activation == "relu" else y

        return layer


@register
class PlainTorchLinear(PlainTorch):
    """``nn.functional.linear`` on channels last."""

    name = "plain-torch-linear"

    def layer(self, torch: Any, p: Any, w: Any, b: Any) -> Any:
        """One call."""

        def layer(x: Any) -> Any:
            x = x if p.stride == 1 else strided(p, x)
            y = torch.nn.functional.linear(x if p.layout == "nhwc" else x.permute(0, 2, 3, 1), w, b)
            y = y if p.layout == "nhwc" else y.permute(0, 3, 1, 2).contiguous()
            return torch.relu_(y) if p.activation == "relu" else y

        return layer


@register
class PlainTorchCompile(PlainTorch):
    """``torch.compile`` of a module."""

    name = "plain-torch-compile"

    def layer(self, torch: Any, p: Any, w: Any, b: Any) -> Any:
        """A module, compiled by its first call."""
        module = torch.nn.Conv2d(p.in_channels, p.out_channels, 1, stride=p.stride, bias=b is not None)
        module.weight.data = w[:, :, None, None]
        if b is not None:
            module.bias.data = b
        module = torch.nn.Sequential(module, torch.nn.ReLU()) if p.activation == "relu" else module
        torch._dynamo.reset()
        compiled = torch.compile(module.eval())
        compiled(torch.zeros(p.batch, p.in_channels, p.height, p.width))
        if p.layout == "nchw":
            return compiled
        return lambda x: compiled(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1).contiguous()
