"""NumPy's einsum, told to optimise: the convolution as the formula that it is."""

from __future__ import annotations

from pointwise_bench import Array, Backend, Layer, Problem, register
from pointwise_bench.backends._shared import gradients, halves
from pointwise_bench.backends._shared.arrays import into_buffer, read_pixels
from pointwise_bench.backends.problem import ACTIVATIONS


@register
class NumpyEinsum(Backend):
    """``np.einsum(..., out=y, optimize=path)``, the path found once by ``np.einsum_path``, as its manual advises.

    With a path einsum rewrites two operands as one ``np.matmul`` (from NumPy 2.4 on; ``tensordot`` before), and that
    calls the BLAS that NumPy was built with; without one it would run loops of its own. The subscripts are chosen so
    that no operand has to be transposed: images and groups are a batch axis in NCHW, pixels are rows in NHWC.
    Reading the subscripts costs some 15 us in each call. It adds halves up in half precision: see ``numpy-matmul``.
    """

    name = "numpy-einsum"
    output = "reused"
    directions = gradients.ALL_DIRECTIONS
    activations, adds = ACTIVATIONS, True

    def prepare(self, problem: Problem, weight: Array | None, bias: Array | None, threads: int) -> Layer:
        """The layer of the problem's direction."""
        if weight is None:
            return _weight_gradient(problem)
        if problem.direction == "backward-input":
            return gradients.input_gradient(problem, weight, _forward)
        return _forward(problem, weight, bias)


def _forward(p: Problem, weight: Array, bias: Array | None) -> Layer:
    """Weights in the order of the subscripts, the output buffer as einsum writes it, and the path."""
    import numpy as np

    y: Array = np.empty(p.output_shape, p.dtype)
    if p.batch == 0:
        return lambda *inputs: y
    groups, channels = p.groups, p.in_channels // p.groups
    operand = weight.reshape(groups, -1, channels)
    shape: tuple[int, ...]
    target: Array
    if p.layout == "nchw":
        operand = np.tile(operand, (p.batch, 1, 1))
        shape, subscripts = (p.batch * groups, channels, p.out_height * p.out_width), "bcp,boc->bop"
        target = y.reshape(p.batch * groups, p.out_channels // groups, -1)
    elif groups == 1:
        operand, shape, subscripts = np.ascontiguousarray(weight.T), (p.pixels, channels), "pc,co->po"
        target = y.reshape(p.pixels, -1)
    else:
        operand, shape = np.ascontiguousarray(operand.transpose(0, 2, 1)), (p.pixels, groups, channels)
        subscripts, target = "pgc,gco->pgo", y.reshape(p.pixels, groups, -1)
    path = np.einsum_path(subscripts, np.empty(shape, p.dtype), operand, optimize=True)[0]

    def product(x: Array) -> Array:
        return np.einsum(subscripts, x.reshape(shape), operand, out=target, optimize=path)

    return into_buffer(p, product, y, bias)


def _weight_gradient(p: Problem) -> Layer:
    """Images and pixels summed away, by group."""
    import numpy as np

    results = halves.buffers(p)
    subscripts = "pgo,pgc->goc" if p.layout == "nhwc" else "ngop,ngcp->goc"
    target = results[0].reshape(p.groups, -1, p.weight_shape[1])

    def layer(x: Array, dy: Array) -> Array | tuple[Array, ...]:
        operands = gradients.grouped(p, dy), gradients.grouped(p, read_pixels(p, x))
        np.einsum(subscripts, *operands, out=target, optimize=True)
        if not p.bias:
            return results[0]
        dy.sum(axis=gradients.pixel_axes(p), out=results[1])
        return results

    return layer
