"""A parser of options that ends on bad usage as every command ends on bad input: one line, and its exit code."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import NoReturn

from pointwise_bench.common.formats import USAGE_ERROR


class OneLineParser(ArgumentParser):
    """Of the command that ``prog`` names; argparse itself prints its usage first, and exits with 2."""

    def error(self, message: str) -> NoReturn:
        """Say ``message`` and leave."""
        self.exit(USAGE_ERROR, f"{self.prog}: {' '.join(message.split())}; see {self.prog} --help\n")
