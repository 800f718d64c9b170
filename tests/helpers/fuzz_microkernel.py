"""``python tests/helpers/fuzz_microkernel.py COUNT SEED``: random problems, every buffer between forbidden pages.

The inputs are small integers, so every result is exact and compared bit for bit. A read or a write outside of an array
ends the process by SIGSEGV; the problem that it happened on is the last one printed with ``-v``.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from random import Random
from types import ModuleType
from typing import Any, Literal

os.environ.setdefault("NUMBA_NUM_THREADS", "3")  # before numba is imported: schedules for three, on any machine

import numpy as np
from guarded_memory import Guarded

from pointwise_bench import Problem, get
from pointwise_bench.backends._microkernel import blocking, caches, layer as layer_module, planes, rows

Place = Literal["end", "start"]
PLACES: tuple[Place, ...] = ("end", "start")
CROWDS: list[Any] = [
    (caches.lines_crowd, caches.pages_crowd),
    (lambda *_: True, lambda *_: False),
    (lambda *_: True, lambda *_: True),
]


def draw(rng: Random) -> Problem:
    """A problem of a size that takes little time, with every axis and with the edges of every tile."""
    groups = rng.choice([1, 1, 1, 1, 2, 3, 5])
    most = rng.choice([4, 20, 70, 200]) // groups + 1
    return Problem(
        batch=rng.choice([0, 1, 1, 1, 2, 3, 5]),
        in_channels=groups * rng.randint(1, most),
        out_channels=groups * rng.randint(1, most),
        height=rng.choice([1, rng.randint(1, 9), rng.randint(1, 30)]),
        width=rng.choice([1, rng.randint(1, 9), rng.randint(1, 30)]),
        stride=rng.choice([1, 1, 1, 2, 3]),
        groups=groups,
        bias=rng.random() < 0.5,
        add=rng.random() < 0.5,
        activation=rng.choice(["none", "relu", "relu6"]),  # others are not exact
        dtype=rng.choice(["float32", "float64"]),
        layout=rng.choice(["nchw", "nhwc"]),
    )


def expected(p: Problem, x: Any, weight: Any, bias: Any, residual: Any = None) -> Any:
    """The formula, exact for small integers."""
    seen = x if p.layout == "nchw" else np.moveaxis(x, 3, 1)
    seen = seen[:, :, :: p.stride, :: p.stride].astype(np.float64)
    grouped = seen.reshape(p.batch, p.groups, p.in_channels // p.groups, p.out_height, p.out_width)
    kernels = weight.astype(np.float64).reshape(p.groups, p.out_channels // p.groups, -1)
    y = np.einsum("gok,ngkij->ngoij", kernels, grouped)
    y = y.reshape(p.batch, p.out_channels, p.out_height, p.out_width)
    if bias is not None:
        y = y + bias.reshape(-1, 1, 1)
    if residual is not None:
        y = y + (residual if p.layout == "nchw" else np.moveaxis(residual, 3, 1))
    if p.activation != "none":
        y = np.clip(y, 0, 6 if p.activation == "relu6" else None)
    return y if p.layout == "nchw" else np.moveaxis(y, 1, 3)


def _replace_limits(rng: Random) -> None:
    """Draw the sizes from which on the kernel takes other ways, which problems this small would never reach."""
    # Large pictures are streamed; here also small ones, in long runs and in runs of one tile.
    streamed, run_bytes = rng.choice([(2**24, 2**14), (0, 2**14), (0, 2**8)])
    _replace(planes, STREAMED_BYTES=streamed, RUN_BYTES=run_bytes)
    # Tiles side by side, and rests with the last tile, which small problems would not have.
    shallow, panels = rng.choice([(2**17, 2), (2**17, 2**9), (2**12, 2**9)])
    _replace(planes, SHALLOW_BYTES=shallow, PANELS_A_TILE=panels)
    _replace(planes, HEAVY_BYTES=rng.choice([0, 2**21]))
    # Channels that crowd the caches, which no small picture's do: blocks of tiles, also several of them.
    lines_crowd, pages_crowd = rng.choice(CROWDS)
    _replace(planes, lines_crowd=lines_crowd, pages_crowd=pages_crowd)
    block_bytes, tiles = rng.choice([(2**18, 8), (2**12, 1), (2**12, 3)])
    _replace(planes, BLOCK_BYTES=block_bytes, BLOCK_TILES=tiles)
    _replace(planes, MOST_BLOCK_BYTES=rng.choice([3 * 2**18, 2**13]))
    block_chunk, streamed_chunk = rng.choice([(4, 8), (1, 1), (3, 5)])
    _replace(planes, BLOCK_CHUNK=block_chunk, STREAMED_CHUNK=streamed_chunk)
    _replace(blocking, DEEP=rng.choice([1, 192]))  # small pictures broadcast whole, with few channels too
    _replace(rows, DOT_STEPS=rng.choice([0, 4]))  # few output channels, with few input channels too


def _replace(module: ModuleType, **values: Any) -> None:
    """Give names of ``module`` other values: they are final for everybody else."""
    for name, value in values.items():
        assert hasattr(module, name), f"{module.__name__} has no {name}"
        setattr(module, name, value)


def _array_of(guarded: Guarded, at: Place, shape: tuple[int, ...], dtype: Any) -> Any:
    """What the layer asks of its own ``aligned``, between forbidden pages."""
    return guarded.array(shape, dtype, at)


def run(count: int, seed: int, verbose: bool) -> int:
    """How many of ``count`` problems came out wrong."""
    rng, numbers = Random(seed), np.random.default_rng(seed)
    backend, wrong = get("numba-microkernel"), 0
    for _ in range(count):
        p = draw(rng)
        threads, at = rng.choice([1, 1, 2, 3]), rng.choice(PLACES)
        if verbose:
            print(p, threads, at, flush=True)
        _replace_limits(rng)
        guarded = Guarded()
        _replace(layer_module, aligned=partial(_array_of, guarded, at))
        shapes = (p.weight_shape, (p.out_channels,), *p.input_shapes)
        weight, bias, *inputs = (guarded.copy(numbers.integers(-8, 9, shape).astype(p.dtype), at) for shape in shapes)
        given = bias if p.bias else None
        y = backend.prepare(p, weight, given, threads)(*inputs)
        if not np.array_equal(y, expected(p, inputs[0], weight, given, *inputs[1:])):
            print(f"wrong: {p} with {threads} threads", flush=True)
            wrong += 1
    print(f"{count} problems, {wrong} wrong")
    return wrong


if __name__ == "__main__":
    count, seed = (int(text) for text in sys.argv[1:3])
    sys.exit(bool(run(count, seed, "-v" in sys.argv[3:])))
