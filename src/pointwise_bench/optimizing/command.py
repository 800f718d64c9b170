"""``pointwise-bench optimize``: what a whole model gains, beside itself as it was, torch.compile and ONNX Runtime."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pointwise_bench.common.cores import DEFAULT_BUDGET, default_threads
from pointwise_bench.common.formats import MOST_ROUNDS_OF_A_CELL, ONNX_RUNTIME, OPTIMISED, TORCH_COMPILE, USAGE_ERROR
from pointwise_bench.common.one_line_parser import OneLineParser
from pointwise_bench.common.verdict_rule import ALPHA, MARGIN
from pointwise_bench.harvest.operations import HarvestError
from pointwise_bench.harvest.sources import MODULES, shapes_of
from pointwise_bench.report.reading.errors import ReportError

if TYPE_CHECKING:
    from pointwise_bench.report.analysis.collections.timed_models import ModelShown
    from pointwise_bench.report.reading.timed_models import TimedModel

NAME: Final = "pointwise-bench optimize"
SECONDS: Final = 8.0
STARTS: Final = 3
MOST: Final = 4096
"""Starts, or threads."""
FAILED: Final = 1

_HELP: Final = f"""\
How much faster is a whole model of PyTorch by pointwise_bench.torch.optimize, on this machine? Nothing of the model is
changed: it is made, optimised, held to its own results, and timed in turns with itself as it was, with torch.compile
and with ONNX Runtime. In each of several starts, each a process of its own, everybody has a turn in every round.

Prints one line for each way, the gain over it with an interval of {100 * (1 - ALPHA):g} % (how many times as fast the
optimised model is; ? not told apart, ▼ the other way is faster), and which layers are computed by whom. A difference
counts beyond {100 * MARGIN:g} %. Where optimising does not pay, it says so: then leave the model alone.

What was found is kept in results/MACHINE/models.json. The report of a run of the model's layers shows it
(`pointwise-bench run --model MODEL`), and so does the site of all runs.
"""
_EXAMPLES: Final = """\
examples:
  pointwise-bench optimize torchvision:resnet50
  pointwise-bench optimize timm:convnext_tiny --threads 1 --threads 2
  pointwise-bench optimize my_package.models:make --input 1x3x224x224 --skip torch.compile

in your own program, where it pays:
  from pointwise_bench.torch import optimize
  faster = optimize(model, example)          # docs/OPTIMIZE.md

exit codes: 0 measured, whoever is faster; 1 not measured, or the results are not the model's; 4 bad usage, or
another process measures on this machine
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(list(arguments))
    # Imported here: --help answers at once.
    from pointwise_bench.optimizing.onnx_process import missing_packages
    from pointwise_bench.optimizing.starts import BadModel, NoStart
    from pointwise_bench.optimizing.subject import refuse_no_module
    from pointwise_bench.suites.harness.record.locks import LockedByAnother, machine_held

    try:
        if importlib.util.find_spec("torch") is None:
            raise HarvestError("torch is not installed: pip install 'pointwise-bench[torch]'")
        refuse_no_module(options.model, shapes_of(options.input))
        with machine_held(f"{NAME} {options.model}", lambda line: print(f"{NAME}: {line}", file=sys.stderr)):
            if ONNX_RUNTIME not in options.skip and (missing := missing_packages()):
                print(f"note: without ONNX Runtime, as {missing}", file=sys.stderr)
            return max(_budget(options, threads) for threads in options.threads or [default_threads()])
    except (HarvestError, BadModel, LockedByAnother) as error:
        return _say(str(error), USAGE_ERROR)
    except (NoStart, ReportError) as error:
        return _say(str(error), FAILED)
    except OSError as error:
        return _say(f"{error}; name another place to write to with --results", USAGE_ERROR)


def _budget(options: argparse.Namespace, threads: int) -> int:
    """Measure one thread budget, keep what was found, and print it as the report would."""
    from pointwise_bench.optimizing.models_file import keep
    from pointwise_bench.optimizing.starts import AskedModel, entry_of, one_start
    from pointwise_bench.report.reading.timed_models import read_timed_models
    from pointwise_bench.suites.harness.machine.environment import machine

    most = MOST_ROUNDS_OF_A_CELL // options.starts  # beyond which no report would read the model
    shapes = shapes_of(options.input)
    asked = AskedModel(options.model, shapes, threads, options.seconds, most, tuple(options.skip))
    starts = []
    for number in range(1, options.starts + 1):
        print(f"{options.model}, {_threads(threads)}: start {number} of {options.starts}", file=sys.stderr, flush=True)
        starts.append(one_start(asked))
    path = keep(entry_of(asked, starts), options.results, machine())
    models, defects = read_timed_models(path.parent, machine())
    for defect in defects:
        print(f"note: {defect}", file=sys.stderr)
    key = (options.model, tuple(starts[0]["input"]), threads)
    found = next((one for one in models if (one.model, one.input, one.threads) == key), None)
    if found is None:
        return _say(f"{path}: holds what was measured, and a report leaves it out", FAILED)
    from pointwise_bench.report.analysis.collections.timed_models import shown

    print(*_layers(found), *_table(shown(found)), f"Kept in {path}", sep="\n", flush=True)
    return FAILED if found.ways[OPTIMISED].status == "wrong" else 0


def _table(model: ModelShown) -> Iterator[str]:
    """One line for each way, and the verdict."""
    yield f"\n{model.title}. {model.evidence}"
    head = ("computed by", "a call", "gain", "results differ by")
    rows = [head, *((row.title, row.time, row.gain, row.differs) for row in model.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row, reason in zip(rows, ["", *(row.reason for row in model.rows)], strict=True):
        cells = (row[0], reason) if reason else row
        yield "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=False)).rstrip()
    yield f"{model.verdict}\n"


def _layers(model: TimedModel) -> Iterator[str]:
    """Who computes them, and why the others were left as they were."""
    from pointwise_bench.report.analysis.collections.timed_models import layers_said, way_of

    if model.layers:
        yield layers_said(model)
    for layer in model.layers:
        taken = f" with {', '.join(layer.taken_in)}" if layer.taken_in else ""
        yield f"  {layer.name}{taken}: {way_of(layer)} ({layer.why})"


def _threads(count: int) -> str:
    return f"{count} thread{'s' * (count != 1)}"


def _say(line: str, code: int) -> int:
    print(f"{NAME}: {' '.join(line.split())}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        NAME,
        description=_HELP,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("model", metavar="MODEL", help=MODULES)
    parser.add_argument("--input", action="append", default=[], metavar="SHAPE", help="of its one input: 1x3x224x224")
    parser.add_argument(
        "--threads", action="append", type=_count, metavar="N", help=f"repeatable (default: {DEFAULT_BUDGET})"
    )
    parser.add_argument(
        "--seconds",
        type=_seconds,
        default=SECONDS,
        metavar="S",
        help=f"of rounds in each start (default: {SECONDS:g}), or fewer for {MOST_ROUNDS_OF_A_CELL:,} rounds in all",
    )
    parser.add_argument("--starts", type=_count, default=STARTS, metavar="N", help=f"default: {STARTS}")
    parser.add_argument(
        "--skip",
        action="append",
        default=[],
        choices=(TORCH_COMPILE, ONNX_RUNTIME),
        help="leave a rival out, as one that takes minutes to compile (repeatable)",
    )
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="default: results")
    return parser


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) == int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {MOST}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds up to 3600")
    return value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
