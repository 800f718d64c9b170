"""The plain use of ONNX Runtime, OpenVINO and JAX: twins of backends for ``against_straightforward.py``."""

from __future__ import annotations

from typing import Any

import numpy as np

from pointwise_bench import Backend, register


class Plain(Backend):
    """What the twins share: the problem taken apart, and a refusal of what the layers above do not have."""

    def refuses(self, problem: Any) -> str | None:
        """Groups: none of the layers has them."""
        return super().refuses(problem) or (None if problem.groups == 1 else "the experiment has no groups")


def strided(p: Any, x: Any) -> Any:
    """The pixels that the stride reads."""
    return x[:, :: p.stride, :: p.stride] if p.layout == "nhwc" else x[:, :, :: p.stride, :: p.stride]


@register
class PlainOnnxRuntime(Plain):
    """``session.run`` on a model of one ``Conv``."""

    name = "plain-onnxruntime"

    def prepare(self, p: Any, weight: Any, bias: Any, threads: int) -> Any:
        """A session with as many threads as the budget has."""
        from dataclasses import replace

        import onnxruntime

        from pointwise_bench.backends._shared import onnx_models

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        model = onnx_models.model(replace(p, layout="nchw"), weight, bias)
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        if p.layout == "nchw":
            return lambda x: session.run(None, {"x": x})[0]
        return lambda x: np.ascontiguousarray(
            session.run(None, {"x": x.transpose(0, 3, 1, 2)})[0].transpose(0, 2, 3, 1)
        )


@register
class PlainOpenVino(Plain):
    """A compiled model, called."""

    name = "plain-openvino"

    def prepare(self, p: Any, weight: Any, bias: Any, threads: int) -> Any:
        """``Convolution``, ``Add``, ``Relu`` in NCHW."""
        import openvino as ov
        from openvino import opset13 as ops

        x = ops.parameter(list(p.input_shape), np.float32)
        y = x if p.layout == "nchw" else ops.transpose(x, [0, 3, 1, 2])
        y = ops.convolution(y, weight[:, :, None, None], [p.stride] * 2, [0, 0], [0, 0], [1, 1])
        y = y if bias is None else ops.add(y, bias.reshape(1, -1, 1, 1))
        if p.activation == "relu":
            y = ops.maximum(np.zeros((1, 1, 1, 1), np.float32), y)  # the gate refuses Relu, which loses NaN
        y = y if p.layout == "nchw" else ops.transpose(y, [0, 2, 3, 1])
        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "ENABLE_CPU_PINNING": False}
        compiled = ov.Core().compile_model(
            ov.Model([y], [x], "plain"), "CPU", settings | {"INFERENCE_PRECISION_HINT": "f32"}
        )
        return lambda x: compiled(x)[0]


class PlainJax(Plain):
    """``jax.jit`` of a function of the input, the weights inside it."""

    def to_device(self, array: Any) -> Any:
        """A JAX array of the array's own memory, as far as JAX can: on the CPU a layer takes what the harness has."""
        import jax

        return jax.device_put(array, may_alias=True)

    def prepare(self, p: Any, weight: Any, bias: Any, threads: int) -> Any:
        """Held to the budget by the one variable that XLA reads, and to the calling thread."""
        import os

        os.environ["PJRT_NPROC"] = str(threads)
        import jax

        jax.config.update("jax_cpu_enable_async_dispatch", False)
        multiply = self.product(jax, p, jax.numpy.array(weight, copy=True))
        added = None if bias is None else bias if p.layout == "nhwc" else bias[:, None, None]
        addend = None if added is None else jax.numpy.array(added, copy=True)

        @jax.jit  # type: ignore[untyped-decorator]
        def compute(x: Any) -> Any:
            y = multiply(x) if addend is None else multiply(x) + addend
            return jax.nn.relu(y) if p.activation == "relu" else y

        return lambda x: compute(x).block_until_ready()

    def product(self, jax: Any, p: Any, w: Any) -> Any:
        """``multiply(x)``."""
        raise NotImplementedError


@register
class PlainJaxConv(PlainJax):
    """``conv_general_dilated``."""

    name = "plain-jax-conv"

    def product(self, jax: Any, p: Any, w: Any) -> Any:
        """One call."""
        names = (p.layout.upper(), "OIHW", p.layout.upper())
        kernel, stride = w[:, :, None, None], (p.stride, p.stride)
        return lambda x: jax.lax.conv_general_dilated(x, kernel, stride, "VALID", dimension_numbers=names)


@register
class PlainJaxEinsum(PlainJax):
    """``jnp.einsum``."""

    name = "plain-jax-einsum"

    def product(self, jax: Any, p: Any, w: Any) -> Any:
        """One call."""
        subscripts = "oc,nchw->nohw" if p.layout == "nchw" else "oc,nhwc->nhwo"
        return lambda x: jax.numpy.einsum(subscripts, w, strided(p, x))
