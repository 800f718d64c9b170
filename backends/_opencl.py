"""The OpenCL kernels, and the convolution as the matrix product that they compute."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from backends.problem import Problem

ROWS = 8  # of a work-item's tile: with one vector each they fill half of a processor's vector registers
VECTOR_BYTES = 64  # of a processor's lanes; a GPU's work-items are lanes themselves
GPU_LANES = 4

SOURCE = """
#ifdef cl_khr_fp64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif
#pragma OPENCL FP_CONTRACT ON

/* c = a b for every image and group: M rows, N columns, K terms. A work-item computes a tile of ROWS rows by LANES
   columns in registers. Tiles at the end are moved back inside, and overlap their neighbours with equal values. */
__kernel void product(__global const T *restrict a, __global const T *restrict b, __global const T *restrict bias,
                      __global T *restrict c)
{
    const int column = min((int)get_global_id(0) * LANES, N - LANES);
    const int row = min((int)get_global_id(1) * ROWS, M - ROWS);
    const long image = get_global_id(2) / GROUPS, group = get_global_id(2) % GROUPS;
    a += image * A_IMAGE + group * A_GROUP + (long)row * LDA;
    b += image * B_IMAGE + group * B_GROUP + column;
    c += image * C_IMAGE + group * C_GROUP + (long)row * LDC + column;
    V sum[ROWS];
    for (int r = 0; r < ROWS; r++)
        sum[r] = BIAS;
    for (int k = 0; k < K; k++) {
        const V v = LOAD(b + (long)k * LDB);
        for (int r = 0; r < ROWS; r++)
            sum[r] += a[(long)r * LDA + k] * v;
    }
    for (int r = 0; r < ROWS; r++) {
        const V s = sum[r];
        STORE(RELU ? (s < (V)(0) ? (V)(0) : s) : s, c + (long)r * LDC);  /* NaN is not below zero and stays */
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
"""


def missing_opencl() -> str | None:
    """The binding or any driver. Devices are not asked for: PoCL would start its threads before it knows the budget."""
    remedy = "python -m pip install 'pointwise-bench[opencl]'"
    if not find_spec("pyopencl"):
        return f"pyopencl is not installed: {remedy}"
    drivers = find_spec("pocl_binary_distribution") or list(Path("/etc/OpenCL/vendors").glob("*.icd"))
    return None if drivers else f"no OpenCL driver is installed: {remedy}"


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


def definitions(p: Problem, *, bias: bool, gpu: bool) -> dict[str, int | str]:
    """What the kernels are compiled with: everything about the problem is a constant for the compiler."""
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
    found |= {"RELU": int(p.activation == "relu"), "INNER": 1 if p.layout == "nchw" else p.in_channels}
    found |= {"HEIGHT": p.height, "WIDTH": p.width, "OUT_HEIGHT": p.out_height, "OUT_WIDTH": p.out_width}
    return found | {"STRIDE": p.stride}


def work_sizes(p: Problem, found: dict[str, int | str]) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """How many work-items ``product`` and ``gather`` have along each axis."""
    tiles = [-(-int(found[size]) // int(found[tile])) for size, tile in (("N", "LANES"), ("M", "ROWS"))]
    nchw = p.layout == "nchw"
    batches = p.batch * p.groups if nchw else p.groups
    outer = p.batch * p.in_channels if nchw else p.batch
    return (tiles[0], tiles[1], batches), (p.out_width * int(found["INNER"]), p.out_height, outer)


def built(context: Any, found: dict[str, int | str]) -> Any:
    """The program, compiled with these definitions."""
    import pyopencl as cl

    return cl.Program(context, "".join(f"#define {name} {value}\n" for name, value in found.items()) + SOURCE).build()


def new_queue() -> Any:
    """An in-order queue that keeps time, on the first device or on the one that ``PYOPENCL_CTX`` names."""
    import pyopencl as cl

    context = cl.create_some_context(interactive=False)
    return cl.CommandQueue(context, properties=cl.command_queue_properties.PROFILING_ENABLE)


class Markers:
    """Device time between two marks in a queue: the difference of when each was reached, on the device's clock."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue
        self._marks: list[Any] = []

    def start(self) -> None:
        """Enqueue the opening mark."""
        self._marks.clear()
        self.stop()

    def stop(self) -> None:
        """Enqueue a mark; the queue keeps order, so it is reached when the work before it is done."""
        import pyopencl as cl

        self._marks.append(cl.enqueue_marker(self._queue))

    def elapsed_s(self) -> float:
        """Seconds between the marks, which must have been reached."""
        first, last = self._marks
        return float(last.profile.end - first.profile.end) / 1e9
