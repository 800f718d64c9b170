"""Where each planted mistake shows: who leaves the bias out is right on a layer that has none."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pointwise_bench import Problem

EVERY_AXIS: Final = Problem(
    batch=2, in_channels=16, out_channels=16, height=9, width=9, stride=2, groups=2, bias=True, activation="relu"
)
"""On which all but a few show: more than one image, group and stride, as many input as output channels in a group, a
square picture that the stride does not divide, bias and ReLU."""
LONG: Final = Problem(batch=1, in_channels=2048, out_channels=64, height=14, width=14)
"""A long reduction, where gamma_K alone would let TensorFloat-32 pass; computing takes longer than copying."""
OF_INPUT: Final = replace(EVERY_AXIS, activation="none", direction="backward-input")
OF_WEIGHT: Final = replace(EVERY_AXIS, activation="none", direction="backward-weight")
"""Gradients are of the convolution alone: without activation."""
FLOAT16: Final = replace(LONG, in_channels=1024, out_channels=16, height=7, width=7, dtype="float16")
"""With few results: to round every partial sum takes NumPy a quarter of a second for those of the long reduction."""
BFLOAT16: Final = replace(LONG, height=1, width=1, dtype="bfloat16")
"""With more channels than one exact sum can hold."""
RELU6: Final = replace(EVERY_AXIS, activation="relu6")
SILU: Final = replace(EVERY_AXIS, activation="silu")
HARDSWISH: Final = replace(EVERY_AXIS, activation="hardswish")
GELU: Final = replace(EVERY_AXIS, activation="gelu")
ADDED: Final = replace(EVERY_AXIS, add=True)

_NAMES: Final = {
    LONG: ("tensorfloat-inside", "replays-by-content", "lazy"),
    OF_INPUT: (
        *("untransposed-weights", "side-by-side", "to-pixel-one", "to-neighbours", "skipped-not-zeroed"),
        "adds-up-input-gradients",
    ),
    OF_WEIGHT: (
        *("transposed-gradient", "adds-up-weight-gradients", "forgets-bias-gradient", "bias-gradient-unwritten"),
        *("bias-gradient-of-one-image", "gradient-of-one-image", "averages-the-batch", "gradient-from-pixel-one"),
        *("gradient-of-the-corner", "swallows-nan-of-gradient", "writes-to-the-gradient"),
    ),
    FLOAT16: ("half-sums", "truncates", "coarser-inside"),
    BFLOAT16: ("drops-last-of-many",),
    RELU6: ("never-cuts-off", "cuts-off-early", "hides-nan"),
    SILU: ("rough-silu",),
    HARDSWISH: ("wrong-corner",),
    GELU: ("gelu-by-tanh", "gelu-by-sigmoid"),
    ADDED: (
        *("forgets-residual", "adds-twice", "adds-behind-the-activation", "other-layout-of-residual"),
        *("first-images-residual", "other-images-residual", "residual-as-a-bias", "hides-nan-of-residual"),
        *("clips-residual", "rounds-residual", "loses-small-residual", "remembers-residual", "writes-into-residual"),
    ),
}
_PROBLEMS: Final = {f"planted-{name}": problem for problem, names in _NAMES.items() for name in names}


def shows_on(name: str) -> Problem:
    """A problem on which the planted backend is wrong."""
    return _PROBLEMS.get(name, EVERY_AXIS)
