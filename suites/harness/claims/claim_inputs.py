"""What the variants of a claim are given, and what they must return: drawn and answered once, read by every worker.

The answers are in float64 and know no patches: a k x k convolution is the sum of k * k shifted pictures, each times its
own weights. Products go through NumPy's matmul here, where the cases of single problems avoid BLAS: in float64 it is no
backend's own code, since all claims are float32, and without it three gigaflops of them take seconds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pointwise_bench import Problem
from pointwise_bench.suites.claims import Claim, Patches, Relu, Variant
from pointwise_bench.suites.harness.memory.shared_arrays import read_block, write_block
from pointwise_bench.suites.harness.verify import error_bounds as bounds

Array = npt.NDArray[Any]
ArrayKey = tuple[str, int, tuple[int, ...]]  # branch, place among its products, shape

LARGEST_INPUT, LARGEST_WEIGHT = 8, 4  # of the integers: sums over some thousand products stay exact in float32


@dataclass
class ClaimInputs:
    """Input and kernels; ``answers`` and ``allowed`` by variant and branch, ``allowed`` None where it must be exact.

    Kernels have shape ``(out_channels, in_channels, k, k)``; variants share those of one place and shape, so that
    variants of equal shapes compute the same function.
    """

    claim: Claim
    x: Array
    kernels: dict[ArrayKey, Array]
    answers: dict[tuple[str, str], Array]
    allowed: dict[tuple[str, str], Array | None]
    _descriptor: int | None = field(default=None, repr=False)

    @classmethod
    def of(cls, claim: Claim, seed: int) -> ClaimInputs:
        """Drawn from ``seed``: the same for the same seed, and not to be foreseen by a backend."""
        rng = np.random.default_rng([seed, *claim.name.encode()])
        x = _drawn(rng, claim.input_problem.input_shape, LARGEST_INPUT if claim.exact else 0)
        kernels: dict[ArrayKey, Array] = {}
        for variant in claim.variants:
            for key in variant.shapes_of_kernels():
                if key not in kernels:
                    kernels[key] = _drawn(rng, key[2], LARGEST_WEIGHT if claim.exact else 0)
        inputs = cls(claim, x, kernels, {}, {})
        for variant in claim.variants:
            for branch in variant.branches:
                answer, error = reference_result(variant, branch, inputs)
                inputs.answers[variant.name, branch] = answer
                inputs.allowed[variant.name, branch] = None if claim.exact else error
        return inputs

    # --- to and from a worker -------------------------------------------------------------------------------

    def descriptor(self) -> int:
        """All arrays as a block of shared memory, owned by this object."""
        if self._descriptor is None:
            self._descriptor = write_block(dict(self._arrays()))
        return self._descriptor

    def close(self) -> None:
        """Free the memory."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _arrays(self) -> Iterator[tuple[str, Array]]:
        yield "x", self.x
        for key, kernel in self.kernels.items():
            yield _name_of_kernel(key), kernel
        for variant, branch in self.answers:
            yield f"answer {variant}/{branch}", self.answers[variant, branch]
            allowed = self.allowed[variant, branch]
            if allowed is not None:
                yield f"allowed {variant}/{branch}", allowed

    @classmethod
    def from_block(cls, claim: Claim, descriptor: int) -> ClaimInputs:
        """The inputs of ``claim`` in such a block, as read-only views. The descriptor is closed."""
        arrays = read_block(descriptor)
        keys = {key for variant in claim.variants for key in variant.shapes_of_kernels()}
        pairs = [(variant.name, branch) for variant in claim.variants for branch in variant.branches]
        return cls(
            claim,
            arrays["x"],
            {key: arrays[_name_of_kernel(key)] for key in keys},
            {(variant, branch): arrays[f"answer {variant}/{branch}"] for variant, branch in pairs},
            {(variant, branch): arrays.get(f"allowed {variant}/{branch}") for variant, branch in pairs},
        )


def reference_result(variant: Variant, branch: str, inputs: ClaimInputs) -> tuple[Array, Array]:
    """The branch's result in float64, and how far float32 arithmetic may be off it in each element.

    Each product adds its own rounding, ``bound * |W| (|x| + e)``, to what it is given: an error ``e`` of its input
    becomes ``|W| e`` at most. A ReLU makes no error larger.
    """
    chain = variant.branches[branch]
    keys = [key for key in variant.shapes_of_kernels() if key[0] == branch]
    y = inputs.x.astype(np.float64)
    error = np.zeros((1,) * y.ndim)
    window: Patches | None = None
    for stage in chain:
        if isinstance(stage, Patches):
            window = stage
        elif isinstance(stage, Problem):
            kernel = inputs.kernels[keys.pop(0)].astype(np.float64)
            if window is None:
                y = y.reshape(stage.input_shape)  # the same memory, where a picture is read as rows
            error = np.broadcast_to(error.reshape(error.shape if error.size > 1 else (1,) * 4), y.shape)
            worst = error + bounds.allowed_error(stage) * (np.abs(y) + error)
            stride = stage.stride if window is None else window.stride
            y = convolved(y, kernel, stage.layout, stride)
            error = convolved(worst, np.abs(kernel), stage.layout, stride)
            y = np.maximum(y, 0) if stage.activation == "relu" else y
            window = None
        elif isinstance(stage, Relu):
            y = np.maximum(y, 0)
        else:
            steps = _steps(stage.problem.layout, stage.stride)
            y, error = y[steps], error[steps]
    return np.ascontiguousarray(y), np.ascontiguousarray(error)


def convolved(x: Array, kernel: Array, layout: str, stride: int) -> Array:
    """A k x k convolution with zeros around the picture, summed place by place of the kernel."""
    planes = x if layout == "nchw" else x.transpose(0, 3, 1, 2)
    images, channels, height, width = planes.shape
    side = kernel.shape[2]
    border = side // 2
    padded = np.zeros((images, channels, height + 2 * border, width + 2 * border), x.dtype)
    padded[:, :, border : border + height, border : border + width] = planes
    rows, columns = (height - 1) // stride + 1, (width - 1) // stride + 1
    y = np.zeros((images, kernel.shape[0], rows * columns), x.dtype)
    for i in range(side):
        for j in range(side):
            shifted = padded[:, :, i : i + height : stride, j : j + width : stride]
            y += np.matmul(kernel[:, :, i, j], shifted.reshape(images, channels, -1))
    result = y.reshape(images, -1, rows, columns)
    return result if layout == "nchw" else result.transpose(0, 2, 3, 1)


def _drawn(rng: np.random.Generator, shape: tuple[int, ...], largest: int) -> Array:
    """Whole numbers up to ``largest``, or zero-mean reals where it is 0; float32."""
    if largest:
        return rng.integers(-largest, largest, shape, endpoint=True).astype(np.float32)
    return rng.standard_normal(shape, np.float32)


def _name_of_kernel(key: ArrayKey) -> str:
    branch, place, shape = key
    return f"kernel {branch}/{place}/{'x'.join(map(str, shape))}"


def _steps(layout: str, stride: int) -> tuple[slice, ...]:
    every, step = slice(None), slice(None, None, stride)
    return (every, every, step, step) if layout == "nchw" else (every, step, step)
