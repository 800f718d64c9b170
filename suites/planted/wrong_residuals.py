"""Backends whose residual is wrong on purpose, one mistake each.

A plugin like :mod:`wrong`, for problems with a residual. The class docstring says what is wrong.
:class:`RightResidual` is the control: the same code without a mistake, which must pass.
"""

from __future__ import annotations

import numpy as np

from pointwise_bench import Backend, register
from pointwise_bench.suites.planted.arithmetic import in_layout, summed


@register
class RightResidual(Backend):
    """Nothing is wrong with this one."""

    name = "planted-right-residual"
    dtypes = ("float32", "float64", "float16", "bfloat16")
    adds = True

    def prepare(self, problem, weight, bias, threads):
        p = problem

        def layer(x, residual):
            with np.errstate(all="ignore"):
                y = self.finished(p, in_layout(p, summed(p, x, weight, bias)), residual)
                return np.ascontiguousarray(y).astype(p.dtype)

        return layer

    def finished(self, p, sums, residual):
        return self.activated(p, sums + residual.astype(np.float64))

    def activated(self, p, sums):
        return np.maximum(sums, 0) if p.activation == "relu" else sums


@register
class ForgetsResidual(RightResidual):
    """Leaves the residual out."""

    name = "planted-forgets-residual"

    def finished(self, p, sums, residual):
        return self.activated(p, sums)


@register
class AddsTwice(RightResidual):
    """Adds the residual twice, as where the product begins with it and the epilogue adds it again."""

    name = "planted-adds-twice"

    def finished(self, p, sums, residual):
        return super().finished(p, sums + residual.astype(np.float64), residual)


@register
class AddsBehindTheActivation(RightResidual):
    """Adds the residual to what the activation gives."""

    name = "planted-adds-behind-the-activation"

    def finished(self, p, sums, residual):
        return self.activated(p, sums) + residual.astype(np.float64)


@register
class OtherLayoutOfResidual(RightResidual):
    """Reads the residual's memory in the other layout."""

    name = "planted-other-layout-of-residual"

    def finished(self, p, sums, residual):
        n, rows, columns = p.batch, p.out_height, p.out_width
        if p.layout == "nchw":
            other = residual.reshape(n, rows, columns, p.out_channels).transpose(0, 3, 1, 2)
        else:
            other = residual.reshape(n, p.out_channels, rows, columns).transpose(0, 2, 3, 1)
        return super().finished(p, sums, other)


@register
class FirstImagesResidual(RightResidual):
    """Adds the first image's residual to all."""

    name = "planted-first-images-residual"

    def finished(self, p, sums, residual):
        return super().finished(p, sums, residual[:1])


@register
class NextImagesResidual(RightResidual):
    """Adds to each image the residual of the one before it."""

    name = "planted-other-images-residual"

    def finished(self, p, sums, residual):
        return super().finished(p, sums, np.roll(residual, 1, axis=0))


@register
class FirstPixelsResidual(RightResidual):
    """Adds a channel's first value to all of its pixels, as a bias of each image."""

    name = "planted-residual-as-a-bias"

    def finished(self, p, sums, residual):
        first = residual[:, :, :1, :1] if p.layout == "nchw" else residual[:, :1, :1]
        return super().finished(p, sums, first)


@register
class HidesNanOfResidual(RightResidual):
    """Takes a residual that is no number for zero."""

    name = "planted-hides-nan-of-residual"

    def finished(self, p, sums, residual):
        return super().finished(p, sums, np.nan_to_num(residual, nan=0.0, posinf=np.inf, neginf=-np.inf))


@register
class ClipsResidual(RightResidual):
    """Holds the residual in a type that ends at 65,504."""

    name = "planted-clips-residual"

    def finished(self, p, sums, residual):
        return super().finished(p, sums, np.where(np.isfinite(residual), np.clip(residual, -65504, 65504), residual))


@register
class RoundsResidual(RightResidual):
    """Rounds the residual to sixteen bits, with the exponents of float32."""

    name = "planted-rounds-residual"

    def finished(self, p, sums, residual):
        fraction, exponent = np.frexp(residual.astype(np.float64))
        return super().finished(p, sums, np.ldexp(np.rint(fraction * 2.0**11) / 2.0**11, exponent))


@register
class LosesSmallResidual(RightResidual):
    """Takes a residual below 1e-30 for zero."""

    name = "planted-loses-small-residual"

    def finished(self, p, sums, residual):
        return super().finished(p, sums, np.where(np.abs(residual) < 1e-30, 0, residual))


@register
class RemembersResidual(RightResidual):
    """Adds the first residual that it was given, whatever it is given later."""

    name = "planted-remembers-residual"

    def prepare(self, problem, weight, bias, threads):
        self.first = None
        return super().prepare(problem, weight, bias, threads)

    def finished(self, p, sums, residual):
        self.first = residual.copy() if self.first is None else self.first
        return super().finished(p, sums, self.first)


@register
class WritesIntoResidual(RightResidual):
    """Takes the residual for its result's memory, by its address, as an in-place operation of a library does."""

    name = "planted-writes-into-residual"

    def to_device(self, array):
        import ctypes

        memory = (ctypes.c_byte * array.nbytes).from_address(array.ctypes.data)
        return np.frombuffer(memory, array.dtype).reshape(array.shape)

    def finished(self, p, sums, residual):
        residual += sums.astype(p.dtype)
        return self.activated(p, residual)
