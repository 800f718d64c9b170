"""Tables that ``torchinfo.summary`` prints, with sizes of inputs, outputs and kernels, and numbers of parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from pointwise_bench.harvest.dataflow import BATCH_NORM, Node, with_what_follows
from pointwise_bench.harvest.operations import Convolution, HarvestError, Linear, Operation, OtherProduct

_COLUMNS: Final = ("Input Shape", "Output Shape", "Kernel Shape", "Param #")
_ROW: Final = re.compile(r"(?P<tree>[│├└─\s]*)(?P<kind>\w+)(?: \((?P<var>[^)]*)\))?: (?P<place>\d+-\d+)")
_WIDEST: Final = 80
"""Characters of the last column, which ends with the line."""
_CONVOLUTIONS: Final = re.compile(r"Conv[123]d|Conv2d\w*|\w+Conv2d")


def is_line(line: str) -> bool:
    """Whether the line is the table's header."""
    return line.startswith("Layer (type") and "depth-idx)" in line


def operations(lines: Iterable[str]) -> tuple[Operation, ...]:
    """The rows that have no rows below them, in their order, which is that of the calls. Raises ``HarvestError``."""
    rows = list(_rows(iter(lines)))
    depths = [*(row.depth for row in rows[1:]), 0][: len(rows)]
    leaves = [row for row, next_depth in zip(rows, depths, strict=True) if next_depth <= row.depth]
    return with_what_follows([_node(place, row) for place, row in enumerate(leaves)], ())


class _Row(NamedTuple):
    kind: str
    depth: int
    name: str
    cells: dict[str, str]


def _rows(lines: Iterator[str]) -> Iterator[_Row]:
    columns = _columns(next(line for line in lines if is_line(line)))
    parameters: dict[str, str] = {}
    path: list[str] = []
    for line in lines:
        match = _ROW.match(line)
        if match is None:
            continue
        cells = {name: line[begin:end].strip() for name, (begin, end) in columns.items()}
        depth = int(match["place"].partition("-")[0])
        path = [*path[: max(depth - 1, 0)], match["var"] or match["place"]]
        # A layer that is called again has its parameters in its first row.
        if cells["Param #"] == "(recursive)":
            cells["Param #"] = parameters.get(match["place"], "")
        parameters[match["place"]] = cells["Param #"]
        yield _Row(match["kind"], depth, ".".join(path), cells)


def _node(place: int, row: _Row) -> Node:
    """A row reads what the row before it gives, where their shapes agree: enough to tell a normalisation.

    Not enough for an activation: of a residual block the addition has no row, and its ReLU stands behind a convolution.
    """
    word = BATCH_NORM if row.kind.startswith("BatchNorm") else row.kind
    reads, gives = (place - 1, row.cells["Input Shape"]), (place, row.cells["Output Shape"])
    return Node(word, (reads,), (gives,), _operation(row.kind, row.cells, row.name))


def _columns(header: str) -> dict[str, tuple[int, int]]:
    """Where each column begins and ends."""
    begins = [match.start() for match in re.finditer(r"(?<=\s\s)\S|^\S", header)]
    ends = [*begins[1:], len(header) + _WIDEST]
    spans = {header[begin:end].strip(): (begin, end) for begin, end in zip(begins, ends, strict=True)}
    missing = [name for name in _COLUMNS if name not in spans]
    if missing:
        raise HarvestError(
            f"the table lacks {', '.join(missing)}: make it with"
            " col_names=('input_size', 'output_size', 'kernel_size', 'num_params')"
        )
    return {name: spans[name] for name in _COLUMNS}


def _operation(kind: str, cells: Mapping[str, str], name: str) -> Operation | None:
    given, made, kernel = (_numbers(cells.get(column, "")) for column in _COLUMNS[:3])
    parameters = cells["Param #"].replace(",", "")
    if kind == "Linear" and given and made:
        return Linear(name=name, input_shape=given, out_features=made[-1], bias=_has_bias(parameters, given, made))
    if kind.startswith("ConvTranspose"):
        return OtherProduct(name=name, what="transposed convolution", macs=None)
    if not _CONVOLUTIONS.fullmatch(kind):
        return None
    unknown = OtherProduct(name=name, what="convolution whose sizes the table does not tell", macs=None)
    if len(given) < 3 or len(given) != len(made) or len(kernel) != len(given) - 2 or not parameters.isdigit():
        return unknown
    found = _groups(int(parameters), given[1], made[1], kernel)
    strides = tuple(-(-before // max(after, 1)) for before, after in zip(given[2:], made[2:], strict=True))
    if found is None or min((*strides, *kernel)) < 1:
        return unknown
    groups, bias = found
    fits = all(
        (before - 1) // step + 1 == after for before, step, after in zip(given[2:], strides, made[2:], strict=True)
    )
    return Convolution(
        name=name,
        batch=given[0],
        in_channels=given[1],
        image=given[2:],
        out_channels=made[1],
        kernel=kernel,
        stride=strides,
        padding=(0,) if fits else (1,),
        out_image=made[2:],
        groups=groups,
        bias=bias,
    )


def _groups(parameters: int, inputs: int, outputs: int, kernel: tuple[int, ...]) -> tuple[int, bool] | None:
    """Groups and bias, from the number of parameters; the fewest groups that explain it."""
    taps = inputs
    for size in kernel:
        taps *= size
    each, rest = divmod(parameters, outputs) if outputs else (0, 1)
    if rest:
        return None
    choices = [(taps // weights, bias) for weights, bias in ((each, False), (each - 1, True)) if _fits(taps, weights)]
    choices = [(groups, bias) for groups, bias in choices if inputs % groups == 0 and outputs % groups == 0]
    return min(choices, default=None)


def _fits(taps: int, weights: int) -> bool:
    return weights > 0 and taps % weights == 0


def _has_bias(parameters: str, given: tuple[int, ...], made: tuple[int, ...]) -> bool:
    return parameters.isdigit() and int(parameters) == (given[-1] + 1) * made[-1]


def _numbers(cell: str) -> tuple[int, ...]:
    return tuple(int(each) for each in re.findall(r"\d{1,9}", cell)) if cell.startswith("[") else ()
