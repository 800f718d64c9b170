"""Backends whose activation is wrong on purpose, one mistake each.

A plugin like :mod:`wrong`, for problems with an activation other than ReLU. The class docstring says what is wrong.
:class:`RightActivation` is the control: the same code without a mistake, which must pass.
"""

from __future__ import annotations

import math

import numpy as np

from pointwise_bench import Backend, register
from pointwise_bench.backends.problem import ACTIVATIONS
from pointwise_bench.suites.planted.arithmetic import laid_out, summed

erf = np.vectorize(math.erf, otypes=[np.float64])


@register
class RightActivation(Backend):
    """Nothing is wrong with this one."""

    name = "planted-right-activation"
    dtypes = ("float32", "float64", "float16", "bfloat16")
    activations = ACTIVATIONS

    def prepare(self, problem, weight, bias, threads):
        p = problem

        def layer(x):
            with np.errstate(all="ignore"):
                y = getattr(self, p.activation)(summed(p, x, weight, bias))
                return laid_out(p, y)

        return layer

    def none(self, v):
        return v

    def relu(self, v):
        return np.maximum(v, 0)

    def relu6(self, v):
        return np.clip(v, 0, 6)

    def silu(self, v):
        return v / (1 + np.exp(-v))

    def hardswish(self, v):
        return v * (np.clip(v + 3, 0, 6) / 6)

    def gelu(self, v):
        return 0.5 * v * (1 + erf(v * math.sqrt(0.5)))


@register
class NeverCutsOff(RightActivation):
    """Its ReLU6 is a ReLU."""

    name = "planted-never-cuts-off"

    def relu6(self, v):
        return np.maximum(v, 0)


@register
class CutsOffEarly(RightActivation):
    """Its ReLU6 ends at the largest number below 6 of a type with eight bits."""

    name = "planted-cuts-off-early"

    def relu6(self, v):
        return np.clip(v, 0, 5.96875)


@register
class RoughSilu(RightActivation):
    """Its exponential is a power of 2^14: right to some four digits."""

    name = "planted-rough-silu"

    def silu(self, v):
        return v / (1 + np.maximum(1 - v / 2**14, 0) ** (2**14))


@register
class WrongCorner(RightActivation):
    """Its hard-swish begins at -2.5 and not at -3."""

    name = "planted-wrong-corner"

    def hardswish(self, v):
        return v * np.clip((v + 2.5) / 5.5, 0, 1)


@register
class GeluByTanh(RightActivation):
    """The form of GELU by tanh, which is off by up to 0.0005."""

    name = "planted-gelu-by-tanh"

    def gelu(self, v):
        return 0.5 * v * (1 + np.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3)))


@register
class GeluBySigmoid(RightActivation):
    """GELU as ``v * sigmoid(1.702 v)``, which is off by up to 0.02."""

    name = "planted-gelu-by-sigmoid"

    def gelu(self, v):
        return v / (1 + np.exp(-1.702 * v))


@register
class HidesNan(RightActivation):
    """Its ReLU6 makes zero of NaN, as C's fmin and fmax do."""

    name = "planted-hides-nan"

    def relu6(self, v):
        return np.fmin(np.fmax(v, 0), 6)
