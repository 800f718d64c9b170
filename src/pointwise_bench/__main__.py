"""``pointwise-bench``: one command for all that the project does, in any folder, from a checkout or a wheel."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final, NamedTuple

from pointwise_bench.common.formats import USAGE_ERROR
from pointwise_bench.common.requirements import remedy_of

FAILED: Final = 1
INTERRUPTED: Final = 2
"""Exit codes; both are pytest's."""

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Command(NamedTuple):
    """A subcommand: the module whose ``main`` runs it, the words that ``main`` is given first, and a line of help."""

    module: str
    words: tuple[str, ...]
    help: str


COMMANDS: Final = {
    "run": Command("pointwise_bench.run", (), "measure, write the report and print where it is"),
    "backends": Command("pointwise_bench.listing", (), "list who competes here, and what the others lack"),
    "suites": Command(
        "pointwise_bench.suites.__main__", (), "list the groups of layers, or the layers of some of them"
    ),
    "report": Command("pointwise_bench.reporting", (), "turn recorded runs into a page, tables and plots"),
    "harvest": Command(
        "pointwise_bench.harvest.__main__", (), "write the 1x1 convolutions of a model to a file of layers"
    ),
    "compare": Command(
        "pointwise_bench.comparing.command", (), "tell what became faster or slower between two runs or two versions"
    ),
    "publish": Command("pointwise_bench.publishing", (), "make the site of all runs, or check a run for it"),
    "recommend": Command(
        "pointwise_bench.wisdom.recommend", (), "tell what to use for which layer here, and write it for plan()"
    ),
    "optimize": Command(
        "pointwise_bench.optimizing.command", (), "measure what a whole model of PyTorch gains by being optimised"
    ),
    "attack": Command(
        "pointwise_bench.suites.attacks.__main__", (), "measure the share of cheats that get a time on this machine"
    ),
    "calibrate": Command(
        "pointwise_bench.suites.calibration.__main__", (), "measure how often the verdicts err on this machine"
    ),
    "demo": Command(
        "pointwise_bench.suites.__main__", ("demo",), "draw what a 1x1 convolution does, with its arithmetic"
    ),
}

_EXAMPLES: Final = """\
examples:
  pointwise-bench backends                                       who can run here
  pointwise-bench run --shapes resnet50_v1.5 --time-budget 3m    which one to use for ResNet-50
  pointwise-bench harvest model.onnx --out layers.toml           the 1x1 convolutions of your own model
  pointwise-bench report                                         the page of the newest run of this machine

pointwise-bench COMMAND --help tells more. Exit codes: 0 done, 1 something failed or regressed, 4 bad usage."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit code, with one line for whatever ends it that is no fault of ours."""
    _open_what_is_closed()
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    name = words[0]
    try:
        code = _run(words)
        sys.stdout.flush()  # here, where a reader that has gone can be told from a fault
        return code
    except ModuleNotFoundError as error:
        if (remedy := remedy_of(error)) is None:
            raise
        return _say(f"{name}: {remedy}", FAILED)
    except KeyboardInterrupt:
        return _say(f"{name}: interrupted", INTERRUPTED)
    except BrokenPipeError:  # `| head` has taken what it wanted
        _write_no_more()
        return FAILED
    except OSError as error:
        # Whoever writes files says which of them was refused; what comes here is the output, as of `> file`.
        if error.errno not in _FULL:
            raise
        _write_no_more()
        return _say(f"{name}: the output cannot be written: {error.strerror}", FAILED)


def _run(words: Sequence[str]) -> int:
    """What the first of ``words`` names, with the others."""
    if words[0] in ("-h", "--help"):
        print(_help())
        return 0
    if words[0] in ("-V", "--version"):
        print(_version())
        return 0
    command = COMMANDS.get(words[0])
    if command is None:
        print(f"pointwise-bench: {words[0]!r} is no command; there are {', '.join(COMMANDS)}", file=sys.stderr)
        return USAGE_ERROR
    # Imported here: `--help` and a mistyped command answer at once.
    run: Callable[[Sequence[str]], int] = import_module(command.module).main
    return run([*command.words, *words[1:]])


def _write_no_more() -> None:
    """Otherwise the interpreter flushes once more as it ends, and reports the same error then."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_what_is_closed() -> None:
    """Let there be an output, as of ``>&-``: the next file that is opened would take its number and what is printed."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            if (nowhere := os.open(os.devnull, os.O_WRONLY)) != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, os.fdopen(number, "w"))


def _say(line: str, code: int) -> int:
    print(f"pointwise-bench {line}", file=sys.stderr)
    return code


def _help() -> str:
    widest = max(map(len, COMMANDS))
    lines = [f"  {name:<{widest}}  {command.help}" for name, command in COMMANDS.items()]
    title = (
        "usage: pointwise-bench COMMAND ...\n\nWhich 1x1 (pointwise) convolution is right and fastest on this machine."
    )
    return "\n".join([title, "", "commands:", *lines, "", _EXAMPLES])


def _version() -> str:
    from importlib.metadata import version

    return f"pointwise-bench {version('pointwise-bench')}"


if __name__ == "__main__":
    sys.exit(main())
