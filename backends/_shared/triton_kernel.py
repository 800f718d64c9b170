"""The Triton kernel: a matrix product over images and groups with the bias and the ReLU on its way out."""

from __future__ import annotations

from functools import cache
from typing import Any

from pointwise_bench.backends.problem import Problem

ROWS, COLUMNS, TERMS = 64, 64, 32  # of a program's tile: 16 KiB of sums, which registers of four warps hold


@cache
def product() -> Any:
    """The kernel, made on first use because importing Triton is heavy."""
    import triton
    import triton.language as tl

    @triton.jit  # type: ignore[untyped-decorator]
    def kernel(  # type: ignore[no-untyped-def]
        x,  # noqa: ANN001  # Triton reads types from its own annotations
        weight,  # noqa: ANN001
        bias,  # noqa: ANN001
        y,  # noqa: ANN001
        pixels,  # noqa: ANN001
        width,  # noqa: ANN001
        x_image,  # noqa: ANN001
        x_channel,  # noqa: ANN001
        x_row,  # noqa: ANN001
        x_pixel,  # noqa: ANN001
        y_image,  # noqa: ANN001
        y_channel,  # noqa: ANN001
        y_pixel,  # noqa: ANN001
        GROUPS: tl.constexpr,  # noqa: N803
        CHANNELS: tl.constexpr,  # noqa: N803
        KERNELS: tl.constexpr,  # noqa: N803
        BIAS: tl.constexpr,  # noqa: N803
        RELU: tl.constexpr,  # noqa: N803
        ROWS: tl.constexpr,  # noqa: N803
        COLUMNS: tl.constexpr,  # noqa: N803
        TERMS: tl.constexpr,  # noqa: N803
    ) -> None:
        image = (tl.program_id(2) // GROUPS).to(tl.int64)
        group = tl.program_id(2) % GROUPS
        rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
        columns = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
        read = columns // width * x_row + columns % width * x_pixel
        total = tl.zeros((ROWS, COLUMNS), dtype=y.dtype.element_ty)
        for first in range(0, CHANNELS, TERMS):
            terms = first + tl.arange(0, TERMS)
            w = tl.load(
                weight + (group * KERNELS + rows)[:, None] * CHANNELS + terms[None, :],
                mask=(rows < KERNELS)[:, None] & (terms < CHANNELS)[None, :],
                other=0.0,
            )
            v = tl.load(
                x + image * x_image + (group * CHANNELS + terms)[:, None] * x_channel + read[None, :],
                mask=(terms < CHANNELS)[:, None] & (columns < pixels)[None, :],
                other=0.0,
            )
            total = tl.dot(w, v, total, input_precision="ieee", out_dtype=y.dtype.element_ty)
        if BIAS:
            total += tl.load(bias + group * KERNELS + rows, mask=rows < KERNELS, other=0.0)[:, None]
        if RELU:
            total = tl.where(total < 0, 0.0, total)  # NaN is not below zero and stays
        tl.store(
            y + image * y_image + (group * KERNELS + rows)[:, None] * y_channel + columns[None, :] * y_pixel,
            total,
            mask=(rows < KERNELS)[:, None] & (columns < pixels)[None, :],
        )

    return kernel


def strides(p: Problem) -> tuple[int, ...]:
    """Elements from one image, channel, output row and output column of ``x`` to the next; and the same of ``y``."""
    pixels, step = p.out_height * p.out_width, p.stride
    images = (p.in_channels * p.height * p.width, p.out_channels * pixels)
    if p.layout == "nchw":
        return (images[0], p.height * p.width, step * p.width, step, images[1], pixels, 1)
    wide = p.in_channels
    return (images[0], 1, step * p.width * wide, step * wide, images[1], 1, p.out_channels)


def grid(p: Problem) -> tuple[int, int, int]:
    """Programs along kernels, pixels, and images times groups."""
    return (-(-p.out_channels // p.groups // ROWS), -(-p.out_height * p.out_width // COLUMNS), p.batch * p.groups)
