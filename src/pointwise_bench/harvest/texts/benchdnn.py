"""Batch files of benchdnn: lines of options, which hold for what is behind them, and lines of problems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from pointwise_bench.harvest.operations import Operation, OtherProduct
from pointwise_bench.harvest.texts.descriptors import (
    DTYPES,
    convolution_of,
    name_of,
    sizes_of,
)

_DRIVERS: Final = ("--conv", "--deconv", "--ip", "--matmul")
_DEFAULT_BATCH: Final = 2
"""Of benchdnn, where neither the problem nor ``--mb`` has one."""


def is_line(line: str) -> bool:
    """Whether the line holds the problem of a convolution."""
    return any(sizes_of(word) for word in line.split() if not word.startswith("#"))


def operations(lines: Iterable[str]) -> Iterator[Operation]:
    """The problems in their order. Raises ``HarvestError``."""
    options = {"dir": "FWD_B", "mb": "0", "dt": "f32", "attr-post-ops": ""}
    for line in lines:
        for word in line.partition("#")[0].split():
            key, _, value = word.removeprefix("--").partition("=")
            if word == "--reset":
                options = {"dir": "FWD_B", "mb": "0", "dt": "f32", "attr-post-ops": ""}
            elif word.startswith("--"):
                options[key] = value
            elif sizes := sizes_of(word):
                yield _operation(word, sizes, options)
            elif word not in _DRIVERS:
                yield OtherProduct(name=word, what="line that is not a convolution's", macs=None)


def _operation(word: str, sizes: dict[str, int], options: dict[str, str]) -> Operation:
    name, count = name_of(word)
    name = name or word
    asked = int(options["mb"]) if options["mb"].isdigit() and len(options["mb"]) < 10 else 0
    if asked:
        sizes = sizes | {"mb": asked}
    layer = convolution_of(
        sizes,
        name,
        count=count,
        batch=_DEFAULT_BATCH,
        bias=options["dir"].endswith("_B"),
        post_operations=options["attr-post-ops"],
        dtype=_dtype(options),
    )
    if options["dir"].startswith("BWD"):
        return OtherProduct(name=name, what="gradient of a convolution", macs=layer.macs, count=count)
    return layer


def _dtype(options: dict[str, str]) -> str:
    """Of the source; a configuration such as ``bf16bf16bf16`` repeats it."""
    text = options.get("cfg") or options["dt"].partition(":")[0]
    for short in sorted(DTYPES, key=len, reverse=True):
        if text in (short, short * 3):
            return DTYPES[short]
    return text
