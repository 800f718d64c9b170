"""A convolution as oneDNN's benchdnn and its log write it: ``mb1ic64ih56oc256oh56kh1ph0n"res2a"``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pointwise_bench.harvest.operations import NO_ACTIVATION, Convolution, HarvestError

_PART: Final = re.compile(r"_?(mb|ic|oc|g|[iokspd][dhw])(\d{1,9})")
_NAME: Final = re.compile(r'_?n"([^"]*)"$')
_COUNTED: Final = re.compile(r"(.*?)\*(\d{1,6})$")
_AXES: Final = ("d", "h", "w")

DTYPES: Final = {"f32": "float32", "f64": "float64", "f16": "float16", "bf16": "bfloat16"}


_WORDS: Final = {
    "swish": "silu",
    "logistic": "sigmoid",
    "gelu_erf": "gelu",
    "gelu": "gelu_tanh",  # oneDNN's name of before there were two
    **{name: name for name in ("gelu_tanh", "hardswish", "hardsigmoid", "elu", "mish", "tanh")},
}


def sizes_of(text: str) -> dict[str, int] | None:
    """The numbers by their words; None where the text is none of these. A name at its end is left aside."""
    text = _NAME.sub("", text)
    found: dict[str, int] = {}
    position = 0
    while position < len(text):
        match = _PART.match(text, position)
        if match is None:
            return None
        found[match[1]] = int(match[2])
        position = match.end()
    return found if found.keys() >= {"ic", "oc"} and found.keys() & {"iw", "ih"} else None


def name_of(text: str) -> tuple[str, int]:
    """The name at the end, and how often the layer occurs: ``n"res2a_branch2b*3"``."""
    match = _NAME.search(text)
    name = match[1] if match else ""
    counted = _COUNTED.fullmatch(name)
    return (counted[1], max(int(counted[2]), 1)) if counted else (name, 1)


def convolution_of(
    sizes: Mapping[str, int],
    name: str,
    *,
    count: int = 1,
    batch: int = 2,
    bias: bool = False,
    post_operations: str = "",
    dtype: str = "float32",
) -> Convolution:
    """The layer, with what ``post_operations`` say. Raises ``HarvestError``.

    What is left out follows from the axes that are there, as benchdnn has it.
    """
    # A square image may be told by one of its sides, whichever; depth and one dimension are told by their own words.
    axes = [axis for axis in _AXES if f"i{axis}" in sizes]
    if axes == ["h"]:
        axes = ["h", "w"]
    image, kernel, stride, pad, dilation, out = (
        tuple(_side(sizes, word, axis, axes, default) for axis in axes)
        for word, default in (("i", 0), ("k", 1), ("s", 1), ("p", 0), ("d", 0), ("o", 0))
    )
    groups = sizes.get("g", 1)
    if min((*image, *kernel, *stride, groups, sizes["ic"], sizes["oc"])) < 1:
        raise HarvestError(f"{name}: a size of zero")
    computed = tuple(
        (size + 2 * p - (k - 1) * (d + 1) - 1) // s + 1
        for size, k, s, p, d in zip(image, kernel, stride, pad, dilation, strict=True)
    )
    out = tuple(told or size for told, size in zip(out, computed, strict=True))
    # The padding at the end is what the output needs beyond it: a 1x1 convolution may say so by its output alone.
    end = tuple(
        max((o - 1) * s + (k - 1) * (d + 1) + 1 - size - p, 0)
        for o, s, k, d, size, p in zip(out, stride, kernel, dilation, image, pad, strict=True)
    )
    return Convolution(
        name=name,
        batch=sizes.get("mb", batch),
        in_channels=sizes["ic"],
        image=image,
        out_channels=sizes["oc"],
        kernel=kernel,
        stride=stride,
        padding=(*pad, *end),
        out_image=out,
        groups=groups,
        bias=bias,
        activation=activation_of(post_operations),
        after_residual=after_sum(post_operations),
        dtype=dtype,
        count=count,
    )


def _side(sizes: Mapping[str, int], word: str, axis: str, axes: list[str], default: int) -> int:
    """Of the axis itself, or of the one before it that is told: ``kh3`` alone is a square."""
    for candidate in (axis, *reversed(axes[: axes.index(axis)])):
        if word + candidate in sizes:
            return sizes[word + candidate]
    return default


def activation_of(text: str) -> str:
    """The first element-wise step among post-operations such as ``sum+relu`` or ``eltwise_clip:0:6``.

    What is added before it does not matter to its name; who adds has no activation right behind, as in the catalogue.
    """
    for step in _steps(text):
        word, *numbers = step.removeprefix("eltwise_").split(":")
        if word in ("sum", "add") or word.startswith("binary"):
            return NO_ACTIVATION
        if word == "relu":
            return "relu" if all(number in ("0", "0.0", "") for number in numbers[:1]) else "leaky_relu"
        if word in ("clip", "clip_v2"):
            return "relu6" if numbers[:2] == ["0", "6"] else "clamp"
        if word == "swish" and numbers[:1] not in ([], ["1"], ["1.0"]):
            return "swish"
        if word in _WORDS:
            return _WORDS[word]
    return NO_ACTIVATION


def after_sum(text: str) -> str | None:
    """The activation behind a ``sum`` that is the first post-operation: the result is added to what lay in its memory.

    None where there is none, or where it is multiplied. A ``binary`` addition may be of any shape, which no text tells.
    """
    first, *rest = _steps(text) or [""]
    word, *numbers = first.split(":")
    return activation_of("+".join(rest)) if word == "sum" and numbers in ([], ["1"], ["1.0"]) else None


def _steps(text: str) -> list[str]:
    return [step for step in re.split(r"[+;'\s]+", text.rpartition("ops:")[2]) if step]
