"""The options of ``pointwise-bench run``: its help, and what is said of one that there is not."""

from __future__ import annotations

import argparse
import difflib
import re
from typing import Final

import pytest

from pointwise_bench.suites import pytest_plugin

_EXAMPLES: Final = """\
examples:
  pointwise-bench run --time-budget 10m                          the default networks
  pointwise-bench run --shapes resnet50_v1.5 --time-budget 3m    one network
  pointwise-bench run --shapes my_layers.csv --threads 1         your own layers, on one core
  pointwise-bench run --model model.onnx --time-budget 3m        the 1x1 convolutions of your own model
  pointwise-bench run --plugin my_backend.py --backend 'my-*' --backend 'torch-*'

Whatever else is given goes to pytest, pytest-benchmark's options included (--benchmark-json FILE, ...)."""


class OptionsCheck:
    """A pytest plugin that ends on an unknown option with one line; pytest itself prints four, of which none helps."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self, parser: pytest.Parser, args: list[str]) -> None:
        """Ask when all plugins have added their options; ``pytest.UsageError`` is one line and pytest's exit code 4."""
        _, unknown = parser.parse_known_and_unknown_args(args)
        for word in unknown:
            if word.startswith("-"):
                raise pytest.UsageError(unknown_option(word.partition("=")[0]))


def unknown_option(name: str) -> str:
    """One line that names it, and the command's own option that was probably meant."""
    own = re.findall(r"(?<!\S)--([a-z][a-z-]+)", help_parser().format_help())
    near = difflib.get_close_matches(name.lstrip("-"), own, n=1)
    meant = f", the nearest is --{near[0]}" if near else ""
    return f"there is no option {name}{meant}; see pointwise-bench run --help"


def help_parser() -> argparse.ArgumentParser:
    """Of what a user of the command gives; it only writes the help, as pytest reads the options."""
    parser = argparse.ArgumentParser(
        "pointwise-bench run",
        description="Measure, write the report, and print where the page is.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    pytest_plugin.add_options(parser.add_argument)
    from pointwise_bench.harvest.command import add_options

    harvest = parser.add_argument_group("layers of a model", "see `pointwise-bench harvest --help`")
    harvest.add_argument("--model", metavar="MODEL", help="measure its 1x1 convolutions; the file of them stays here")
    add_options(harvest.add_argument)
    return parser
