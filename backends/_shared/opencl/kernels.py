"""The OpenCL kernels, and the convolution as the matrix product that they compute."""

from __future__ import annotations

from pointwise_bench.backends._shared import gradients
from pointwise_bench.backends.problem import Problem

ROWS = 8  # of a work-item's tile: with one vector each they fill half of a processor's vector registers
# Of a processor's lanes; a GPU's work-items are lanes themselves. The LLVM of PoCL's wheel knows no AVX-512 on newer
# processors, and ends the process over vectors of 64 bytes there.
VECTOR_BYTES = 32
GPU_LANES = 4

# Of a vector `s`. NaN is neither below nor above anything, and stays. No spaces: these are options of the compiler.
_RELU6 = "({0}<(V)(0)?(V)(0):({0}>(V)(6)?(V)(6):{0}))"
ACTIVATED = {
    "none": "(s)",
    "relu": "((s)<(V)(0)?(V)(0):(s))",
    "relu6": _RELU6.format("(s)"),
    "silu": "((s)/((V)(1)+exp(-(s))))",
    "hardswish": "((s)*(" + _RELU6.format("((s)+(V)(3))") + "/(V)(6)))",
    "gelu": "((V)(0.5)*(s)*((V)(1)+erf((s)*(V)(0.70710678118654752))))",
}

SOURCE = """
#ifdef cl_khr_fp64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif
#pragma OPENCL FP_CONTRACT ON

/* c = a b for every image and group: M rows, N columns, K terms. A work-item computes a tile of ROWS rows by LANES
   columns in registers. Tiles at the end are moved back inside, and overlap their neighbours with equal values. */
__kernel void product(__global const T *restrict a, __global const T *restrict b, __global const T *restrict bias,
                      __global const T *restrict residual, __global T *restrict c)
{
    const int column = min((int)get_global_id(0) * LANES, N - LANES);
    const int row = min((int)get_global_id(1) * ROWS, M - ROWS);
    const long image = get_global_id(2) / GROUPS, group = get_global_id(2) % GROUPS;
    a += image * A_IMAGE + group * A_GROUP + (long)row * LDA;
    b += image * B_IMAGE + group * B_GROUP + column;
    const long target = image * C_IMAGE + group * C_GROUP + (long)row * LDC + column;
    residual += target; /* which is not read where nothing is added */
    c += target;
    V sum[ROWS];
    for (int r = 0; r < ROWS; r++)
        sum[r] = BIAS;
    for (int k = 0; k < K; k++) {
        const V v = LOAD(b + (long)k * LDB);
        for (int r = 0; r < ROWS; r++)
            sum[r] += a[(long)r * LDA + k] * v;
    }
    for (int r = 0; r < ROWS; r++) {
        const V s = ADDED(sum[r], residual + (long)r * LDC);
        STORE(ACTIVATED(s), c + (long)r * LDC);
    }
}

/* The pixels that a stride reads, packed: OUTER planes of the picture with INNER contiguous values at each pixel. */
__kernel void gather(__global const T *restrict x, __global T *restrict packed)
{
    const long inner = get_global_id(0) % INNER, j = get_global_id(0) / INNER;
    const long i = get_global_id(1), outer = get_global_id(2);
    packed[((outer * OUT_HEIGHT + i) * OUT_WIDTH + j) * INNER + inner] =
        x[((outer * HEIGHT + i * STRIDE) * WIDTH + j * STRIDE) * INNER + inner];
}

/* The same pixels, from where they are packed to their places in the picture. */
__kernel void scatter(__global const T *restrict packed, __global T *restrict x)
{
    const long inner = get_global_id(0) % INNER, j = get_global_id(0) / INNER;
    const long i = get_global_id(1), outer = get_global_id(2);
    x[((outer * HEIGHT + i * STRIDE) * WIDTH + j * STRIDE) * INNER + inner] =
        packed[((outer * OUT_HEIGHT + i) * OUT_WIDTH + j) * INNER + inner];
}
"""


def sizes(p: Problem) -> dict[str, int]:
    """Rows, columns, terms, leading dimensions and offsets of the product, in elements.

    NCHW: weights times pixels for each image and group. NHWC: pixels times weights for each group, the weights in
    (group, channel, kernel) order.
    """
    channels, kernels = p.in_channels // p.groups, p.out_channels // p.groups
    if p.layout == "nchw":
        pixels = p.out_height * p.out_width
        shape = {"M": kernels, "N": pixels, "K": channels, "LDA": channels, "LDB": pixels, "LDC": pixels}
        images = {"A_IMAGE": 0, "B_IMAGE": p.in_channels * pixels, "C_IMAGE": p.out_channels * pixels}
        groups = {"A_GROUP": kernels * channels, "B_GROUP": channels * pixels, "C_GROUP": kernels * pixels}
        return shape | images | groups
    shape = {"M": p.pixels, "N": kernels, "K": channels, "LDA": p.in_channels, "LDB": kernels, "LDC": p.out_channels}
    groups = {"A_GROUP": channels, "B_GROUP": channels * kernels, "C_GROUP": kernels}
    return shape | {"A_IMAGE": 0, "B_IMAGE": 0, "C_IMAGE": 0} | groups


def multiplied(p: Problem) -> Problem:
    """The forward problem whose product the kernel computes: the problem itself, or that of its input's gradient."""
    return gradients.exchanged(p) if p.direction == "backward-input" else p


def definitions(problem: Problem, *, bias: bool, gpu: bool) -> dict[str, int | str]:
    """What the kernels are compiled with: everything about the problem is a constant for the compiler."""
    p = multiplied(problem)
    found: dict[str, int | str] = dict(sizes(p))
    item = "double" if p.dtype == "float64" else "float"
    widest = GPU_LANES if gpu else VECTOR_BYTES // (8 if p.dtype == "float64" else 4)
    lanes = next(each for each in (16, 8, 4, 2, 1) if each <= min(widest, sizes(p)["N"]))
    wide = str(lanes) if lanes > 1 else ""
    place = f"group*{p.out_channels // p.groups}"
    by_row, by_lane = f"(V)(bias[{place}+row+r])", f"LOAD(bias+{place}+column)"
    found |= {"T": item, "V": item + wide, "LANES": lanes, "ROWS": min(ROWS, sizes(p)["M"]), "GROUPS": p.groups}
    found |= {"LOAD(at)": f"vload{wide}(0,at)" if wide else "(*(at))"}
    found |= {"STORE(value,at)": f"vstore{wide}(value,0,at)" if wide else "(*(at)=(value))"}
    found |= {"BIAS": ("(V)(0)" if not bias else by_row if p.layout == "nchw" else by_lane)}
    found |= {"ADDED(s,at)": "((s)+LOAD(at))" if p.add else "(s)", "ACTIVATED(s)": ACTIVATED[p.activation]}
    p = problem  # the picture and its pixels, for `gather` and `scatter`
    found |= {"INNER": 1 if p.layout == "nchw" else p.in_channels, "STRIDE": p.stride}
    return found | {"HEIGHT": p.height, "WIDTH": p.width, "OUT_HEIGHT": p.out_height, "OUT_WIDTH": p.out_width}


def work_sizes(p: Problem, found: dict[str, int | str]) -> tuple[int, int, int]:
    """How many work-items ``product`` has along each axis."""
    tiles = [-(-int(found[size]) // int(found[tile])) for size, tile in (("N", "LANES"), ("M", "ROWS"))]
    return (tiles[0], tiles[1], p.batch * p.groups if p.layout == "nchw" else p.groups)


def moving_size(p: Problem) -> tuple[int, int, int]:
    """How many work-items ``gather`` or ``scatter`` has along each axis."""
    if p.layout == "nchw":
        return (p.out_width, p.out_height, p.batch * p.in_channels)
    return (p.out_width * p.in_channels, p.out_height, p.batch)
