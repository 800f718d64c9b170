"""Logs of oneDNN (``ONEDNN_VERBOSE=1``): a line for each primitive that was executed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from math import prod
from typing import Final

from pointwise_bench.harvest.operations import Linear, Operation, OtherProduct
from pointwise_bench.harvest.texts.descriptors import DTYPES, activation_of, convolution_of, sizes_of

_LINE: Final = re.compile(r"(?:onednn|dnnl|mkldnn)_verbose,")
_SOURCE: Final = re.compile(r"\bf?src[_:](\w+?)(?::|\b)")
_BIAS: Final = re.compile(r"\bf?bia[_:](?!undef)\w+")
_INNER: Final = re.compile(r"mb(\d{1,9})ic(\d{1,9})(?:i[dhw]\d{1,9})*oc(\d{1,9})$")
_MATRICES: Final = re.compile(r"(\d{1,9}(?:x\d{1,9})+):(\d{1,9}(?:x\d{1,9})+)(?::\d[\dx]*)?$")


def is_line(line: str) -> bool:
    """Whether the line is of such a log."""
    return _LINE.match(line) is not None


def operations(lines: Iterable[str]) -> Iterator[Operation]:
    """What was executed, an operation a line, in its order. Raises ``HarvestError``."""
    for number, line in enumerate(lines, start=1):
        fields = line.strip().split(",")
        if not is_line(line) or "exec" not in fields:
            continue
        kind = next((each for each in fields if each in _READERS), None)
        if kind is not None:
            yield _READERS[kind](fields, f"line {number}")


def _convolution(fields: list[str], name: str) -> Operation:
    sizes = next((found for each in fields if (found := sizes_of(each))), None)
    if sizes is None:
        return OtherProduct(name=name, what="convolution whose sizes the log does not tell", macs=None)
    memory, attributes = _parts(fields)
    layer = convolution_of(
        sizes,
        name,
        bias=_BIAS.search(memory) is not None,
        post_operations=attributes,
        dtype=_dtype(memory),
    )
    if any(each.startswith("backward") for each in fields):
        return OtherProduct(name=name, what="gradient of a convolution", macs=layer.macs)
    return layer


def _inner_product(fields: list[str], name: str) -> Operation:
    match = next((found for each in fields if (found := _INNER.match(each.replace("_", "")))), None)
    if match is None or any(each.startswith("backward") for each in fields):
        return OtherProduct(name=name, what="inner product that is not a plain layer", macs=None)
    batch, inputs, outputs = (int(each) for each in match.groups())
    image = prod(int(each) for each in re.findall(r"i[dhw](\d+)", match[0]))
    memory, attributes = _parts(fields)
    return Linear(
        name=name,
        input_shape=(batch, inputs * image),
        out_features=outputs,
        bias=_BIAS.search(memory) is not None,
        activation=activation_of(attributes),
        dtype=_dtype(memory),
    )


def _matmul(fields: list[str], name: str) -> Operation:
    """Which of the matrices is a weight no log tells."""
    match = next((found for each in fields if (found := _MATRICES.match(each))), None)
    if match is None:
        return OtherProduct(name=name, what="matrix product", macs=None)
    left, right = ([int(size) for size in group.split("x")] for group in match.groups())
    return OtherProduct(name=name, what="matrix product", macs=prod(left) * right[-1])


def _parts(fields: list[str]) -> tuple[str, str]:
    """The field that describes the memory, and those of the attributes."""
    memory = next((each for each in fields if _SOURCE.search(each)), "")
    return memory, next((each.replace("post_ops:", "ops:") for each in fields if "post" in each), "")


def _dtype(memory: str) -> str:
    match = _SOURCE.search(memory)
    return DTYPES.get(match[1], match[1]) if match and match[1] in (*DTYPES, "s8", "u8") else "float32"


_READERS: Final = {"convolution": _convolution, "inner_product": _inner_product, "matmul": _matmul}
