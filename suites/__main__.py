"""``pointwise-bench suites``: the groups of shapes, or the layers of some of them; with ``demo``, what a layer does."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from typing import Final

from pointwise_bench.common.formats import USAGE_ERROR
from pointwise_bench.common.one_line_parser import OneLineParser
from pointwise_bench.suites.catalogue import CatalogueError, Group, load, select

_DESCRIPTION: Final = """\
List the groups of shapes, or the layers of the groups named.

A group is named by a shell pattern, by the path of your own .toml or .csv file
of layers, or by the id of a single problem. What works here works for
`pytest suites/ --shapes ...` too; try a file of your own here first.
"""

_EXAMPLES: Final = """\
examples:
  pointwise-bench suites                            every group, with its cost
  pointwise-bench suites googlenet                  the layers of GoogLeNet
  pointwise-bench suites 'resnet*' 'sweep-*'        quoted, so that the shell leaves them alone
  pointwise-bench suites my_layers.csv              your own layers
  pointwise-bench suites n1c192h28w28-o64-bias      one problem by its id
  pointwise-bench demo --out picture         what a 1x1 convolution does, and its arithmetic

a file of your own, my_layers.csv (empty cells take their default):
  name,count,batch,in_channels,out_channels,height,width,stride,bias
  block1/reduce,2,1,192,64,28,28,,1
  block1/shortcut,1,1,256,512,56,56,2,1

further columns: groups, add (of a residual, before the activation), dtype, layout (nchw, nhwc), direction, activation
(none, relu, relu6, silu, hardswish, gelu)
"""

_HOW_TO_SELECT: Final = """\
* part of a plain run. Multiply-adds in millions, each layer as often as it occurs.
Layers of a group: pointwise-bench suites GROUP.
To measure: pointwise-bench run --shapes GROUP (or your own .toml or .csv)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was asked for and return the exit code: 0, or 4 for a group or file that cannot be used."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["demo"]:
        return _demo(words[1:])
    parser = _parser()
    patterns: list[str] = parser.parse_args(words).groups
    try:
        lines = _catalogue(load()) if not patterns else [line for group in select(patterns) for line in _layers(group)]
    except CatalogueError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return USAGE_ERROR
    _print(lines)
    return 0


def _demo(words: Sequence[str]) -> int:
    """``pointwise-bench demo``."""
    from pointwise_bench.suites import demo

    parser = OneLineParser(
        prog="pointwise-bench demo",
        description=demo.DESCRIPTION,
        epilog=demo.EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    demo.add_arguments(parser)
    try:
        lines = demo.run(parser.parse_args(words))
    except demo.DemoError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return USAGE_ERROR
    _print(lines)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="pointwise-bench suites",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("groups", nargs="*", metavar="GROUP_OR_FILE", help="which groups; none lists them all")
    return parser


def _catalogue(groups: Sequence[Group]) -> list[str]:
    header = ("", "group", "kind", "layers", "occurrences", "multiply-adds (M)")
    rows = [
        (
            "*" if group.default else "",
            group.name,
            group.kind,
            f"{len(group.layers)}",
            f"{group.occurrences}",
            f"{group.macs / 1e6:,.2f}",
        )
        for group in groups
    ]
    return [*_table(header, rows, texts=3), "", *_HOW_TO_SELECT.splitlines()]


def _layers(group: Group) -> list[str]:
    header = ("name", "id", "count", "multiply-adds", "parameters", "KiB")
    rows = [
        (
            layer.name,
            layer.problem.id,
            f"{layer.count}",
            f"{layer.problem.macs:,}",
            f"{layer.problem.parameters:,}",
            f"{layer.problem.min_bytes / 1024:,.1f}",
        )
        for layer in group.layers
    ]
    title = f"{group.name}, from {group.source}. Per call; KiB: every operand read or written once."
    return [title, *_table(header, rows, texts=2), ""]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], texts: int) -> list[str]:
    """Aligned lines: the first ``texts`` columns to the left, the numbers after them to the right."""
    lines = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(_aligned(line, widths, texts)).rstrip() for line in lines]


def _aligned(cells: Sequence[str], widths: Sequence[int], texts: int) -> list[str]:
    pairs = zip(cells, widths, strict=True)
    return [cell.ljust(width) if column < texts else cell.rjust(width) for column, (cell, width) in enumerate(pairs)]


def _print(lines: Sequence[str]) -> None:
    """Print to a terminal of any encoding and to a pipe that may be closed early (``| head``)."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # the names in a user's file are the user's
    try:
        print("\n".join(lines), flush=True)
    except BrokenPipeError:
        # Otherwise the interpreter flushes once more as it ends, and reports the same error then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
