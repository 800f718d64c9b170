"""Takes the census of 1x1 convolutions: every distinct one of all models of torchvision and timm.

    pip install 'pointwise-bench[models]' && python docs/experiments/census.py --out suites/shapes

writes ``census-layers.csv``, a file of layers with how often each occurs and in how many models, and ``census.toml``,
two hundred that stand for them (see census_selection.py). Models are built on PyTorch's device ``meta``, without
weights and without their first values, each within ``MOST_S`` of processor time. What is found is kept in a journal, so
that an interrupted census goes on; it takes about a second a model. ``--from-journal`` builds no model and writes the
files of what the journal holds.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import random
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, get_args

import census_selection

from pointwise_bench.backends.problem import Activation, Problem
from pointwise_bench.harvest.operations import Convolution, HarvestedModel
from pointwise_bench.harvest.pointwise import Wanted, harvest_of

MOST_S: Final = 40.0
"""Processor time that one model may take."""
SEED: Final = 17
"""Of the order in which timm's models are taken."""

COLUMNS: Final = (
    *("name", "count", "batch", "in_channels", "out_channels", "height", "width", "stride", "groups", "bias"),
    *("activation", "network_activation", "source"),
)
LAYERS: Final = "census-layers.csv"
SELECTION: Final = "census.toml"


@dataclass
class Layer:
    """One distinct layer: its name is its place in the first model that has it."""

    name: str
    count: int = 0
    models: int = 0
    works: float = 0.0
    """Its share of the 1x1 multiply-adds of a model, added up over models."""
    activations: set[str] = field(default_factory=set)
    """What follows it where a problem does not know that."""


@dataclass(frozen=True)
class Tally:
    """What a journal holds: models read and failed, and the share of all multiply-adds that layers below make up."""

    read: int
    failed: int
    layers: dict[Problem, Layer]
    share: float


# --- reading models -----------------------------------------------------------------------------------------------


class _TooLong(Exception):
    pass


def collect(journal: Path) -> None:
    """Append a line for each model that the journal does not hold yet."""
    known = {line["model"] for line in _lines(journal)}
    _no_first_values()
    signal.signal(signal.SIGPROF, _too_long)
    with journal.open("a", encoding="utf-8") as file:
        for title, read in _models():
            if title not in known:
                file.write(json.dumps(_of_model(title, read)) + "\n")
                file.flush()


def _models() -> Iterator[tuple[str, Any]]:
    import timm
    import torchvision

    from pointwise_bench.harvest.torch_models import modules

    names = timm.list_models()
    random.Random(SEED).shuffle(names)  # noqa: S311  # an order, no secret
    yield from ((f"torchvision:{name}", modules.from_torchvision) for name in torchvision.models.list_models())
    yield from ((f"timm:{name}", modules.from_timm) for name in names)


def _of_model(title: str, read: Any) -> dict[str, Any]:
    signal.setitimer(signal.ITIMER_PROF, MOST_S)
    try:
        model: HarvestedModel = read(title.partition(":")[2], title, ())
    except Exception as error:  # a model may raise anything; the census tells how many did
        return {"model": title, "error": f"{type(error).__name__}: {error}"}
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    pointwise = [each for each in model.operations if isinstance(each, Convolution) and each.is_pointwise]
    macs = sum((each.macs or 0) * each.count for each in model.operations)
    return {"model": title, "macs": macs, "convs": [asdict(each) for each in pointwise]}


def _too_long(*_: object) -> None:
    raise _TooLong("takes too long")


def _no_first_values() -> None:
    """On ``meta`` there is nothing to fill, and PyTorch takes half of the time for it all the same."""
    import torch

    for name in dir(torch.nn.init):
        if name.endswith("_") and not name.startswith("_"):
            setattr(torch.nn.init, name, lambda tensor, *_, **__: tensor)


def _lines(journal: Path) -> list[dict[str, Any]]:
    if not journal.exists():
        return []
    return [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]


# --- adding up ----------------------------------------------------------------------------------------------------


def tally(lines: Iterable[dict[str, Any]]) -> Tally:
    """Every distinct layer of all models."""
    layers: dict[Problem, Layer] = {}
    read = failed = macs = whole = 0
    for line in sorted(lines, key=lambda line: str(line["model"])):
        if "error" in line:
            failed += 1
            continue
        read += 1
        whole += line["macs"]
        operations = tuple(_convolution(fields) for fields in line["convs"])
        found = harvest_of(HarvestedModel(line["model"], "", operations), Wanted()).layers
        own = sum(layer.count * layer.problem.macs for layer in found)
        macs += own
        for number, one in enumerate(found, 1):
            layer = layers.setdefault(one.problem, Layer(f"{line['model']}/{number}"))
            layer.count += one.count
            layer.models += 1
            layer.works += one.count * one.problem.macs / own
            layer.activations |= {operation.activation for operation in operations if _is(operation, one.problem)}
    return Tally(read, failed, layers, macs / whole if whole else 0.0)


def _convolution(fields: dict[str, Any]) -> Convolution:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
    return Convolution(**values)


def _is(operation: Convolution, problem: Problem) -> bool:
    """Whether ``operation`` became ``problem``, whose activation is none where it does not know the operation's."""
    sizes = (operation.in_channels, operation.out_channels, *operation.image, *operation.out_image)
    own = (problem.in_channels, problem.out_channels, problem.height, problem.width)
    alike = sizes == (*own, problem.out_height, problem.out_width)
    known = operation.activation if operation.activation in get_args(Activation) else "none"
    return alike and (operation.groups, operation.bias, known) == (problem.groups, problem.bias, problem.activation)


def table(found: Tally) -> str:
    """The layers as the text of a file that ``--shapes`` reads, in the order of their sizes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for problem, layer in sorted(found.layers.items(), key=lambda item: _sizes(item[0])):
        after = " or ".join(sorted(layer.activations)) if layer.activations - {problem.activation} else ""
        writer.writerow(
            [
                *(layer.name, layer.count, problem.batch, problem.in_channels, problem.out_channels),
                *(
                    problem.height,
                    problem.width,
                    problem.stride if problem.stride > 1 else "",
                    problem.groups if problem.groups > 1 else "",
                ),
                *("true" if problem.bias else "", problem.activation if problem.activation != "none" else ""),
                *(after, census_selection.said_of(layer.models, layer.works)),
            ]
        )
    return text.getvalue()


def _sizes(problem: Problem) -> tuple[object, ...]:
    return (*problem.weight_shape, problem.height, problem.width, problem.stride, problem.groups, problem.id)


# --- the command --------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Take the census and write its files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--journal", type=Path, default=Path("census.jsonl"))
    parser.add_argument("--from-journal", action="store_true")
    parser.add_argument("--not-reached", default="", metavar="WHICH", help="which the journal lacks, for the file")
    options = parser.parse_args(arguments)
    if not options.from_journal:
        collect(options.journal)
    found = tally(_lines(options.journal))
    (options.out / LAYERS).write_text(table(found), encoding="utf-8")
    without = f"; not reached: {options.not_reached}" if options.not_reached else ""
    said = f"{found.read} models of torchvision and timm ({found.failed} more could not be read{without})"
    text = census_selection.text_of(options.out / LAYERS, said)
    (options.out / SELECTION).write_text(text, encoding="utf-8")
    occurrences = sum(layer.count for layer in found.layers.values())
    print(f"{said}: {len(found.layers)} distinct layers, {occurrences} by occurrence, {found.share:.1%} of all work")
    return 0


if __name__ == "__main__":
    sys.exit(main())
