"""``pointwise-bench backends``: who competes here, and what the others lack."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NoReturn

from pointwise_bench.backends import UnknownPluginError, registry
from pointwise_bench.common.formats import USAGE_ERROR

Ask = Callable[[str], object]


class Parser(argparse.ArgumentParser):
    """Argument errors in one line, with the project's exit code."""

    def error(self, message: str) -> NoReturn:
        """Print the line and leave."""
        self.exit(USAGE_ERROR, f"{self.prog}: {message} (--help lists what there is)\n")


def main(arguments: Sequence[str] | None = None, ask: Ask | None = None) -> int:
    """Print one line per backend; returns the exit code. ``ask`` says what a backend is missing, by name."""
    parser = Parser(
        prog="pointwise-bench backends",
        description="List all backends: name, where it was found, device, output, and whether it can run here.",
        epilog="A backend is found as a file in backends/, as an entry point of an installed package in the group "
        "pointwise_bench.backends, or by --plugin. docs/ADDING_A_BACKEND.md shows how to write one.",
    )
    parser.add_argument(
        "--plugin", action="append", default=[], metavar="WHAT", help="also load PATH.py or package.module (repeatable)"
    )
    options = parser.parse_args(arguments)
    try:
        for plugin in options.plugin:
            registry.add_plugin(plugin)
    except UnknownPluginError as error:
        parser.error(str(error))
    rows = [_row(name, ask or _missing) for name in registry.names()]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]).rstrip())
    usable = sum(row[4] == "usable" for row in rows)
    print(f"\n{usable} of {len(rows)} backends are usable here.")
    return 0


def _row(name: str, ask: Ask) -> tuple[str, str, str, str, str]:
    backend = registry.get(name)
    return (name, registry.source(name).kind, backend.device, backend.output, _availability(name, ask))


def _missing(name: str) -> object:
    return registry.get(name).missing()


def _availability(name: str, ask: Ask) -> str:
    """``usable``, or why not and the remedy, in one line."""
    try:
        reason = ask(name)
    except (Exception, SystemExit) as error:  # a listing shows a broken plugin, it does not break with it
        reason = f"missing() raised {type(error).__name__}: {error}"
    if reason is None:
        return "usable"
    said = reason if isinstance(reason, str) else f"missing() returned {reason!r}, which is neither a reason nor None"
    whole = said.encode(errors="replace").decode()  # half a character cannot be printed
    # Nor does a plugin speak to the terminal itself: no escape sequence is left.
    return f"unavailable: {' '.join(''.join(one if one.isprintable() else ' ' for one in whole).split())}"


if __name__ == "__main__":
    # As the command does, which asks plugins in processes of their own: one that leaves would end this one in silence.
    sys.exit(import_module("pointwise_bench.listing").main(sys.argv[1:]))
