"""``pointwise-bench harvest``: the pointwise layers of a model as a file of layers that ``--shapes`` takes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pointwise_bench.common.formats import USAGE_ERROR
from pointwise_bench.common.one_line_parser import OneLineParser
from pointwise_bench.harvest.command import add_options, check_place, harvested, write
from pointwise_bench.harvest.operations import HarvestError
from pointwise_bench.harvest.sources import KINDS

_EXAMPLES: Final = """\
examples:
  pointwise-bench harvest torchvision:resnet50 --out resnet.toml
  pointwise-bench harvest model.onnx --dim batch=1 --out layers.toml
  pointwise-bench harvest my_package.models:make --input 1x3x224x224 --linear --out layers.toml

then: pointwise-bench run --shapes layers.toml --time-budget 3m"""


def main(arguments: Sequence[str]) -> int:
    """Harvest one model; returns the exit code."""
    asked = _parser().parse_args(list(arguments))
    try:
        if asked.out is not None:
            check_place(asked.out)
        text, lines, is_empty = harvested(asked.model, asked)
        if asked.out is None:
            print(text, end="")
            return 1 if is_empty else 0
        if is_empty:
            raise HarvestError(f"{asked.model}: has no layer that can be measured. {' '.join(lines)}")
        write(asked.out, text)
    except HarvestError as error:
        print(f"pointwise-bench harvest: {error}", file=sys.stderr)
        return USAGE_ERROR
    print(*lines, f"Written to {asked.out}.", sep="\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        "pointwise-bench harvest",
        description="Write the 1x1 convolutions of a model to a file of layers.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help=KINDS)
    parser.add_argument("--out", type=Path, help="a .toml file; printed where this is not given")
    add_options(parser.add_argument)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
