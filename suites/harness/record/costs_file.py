"""``costs.json``: what backends cost on one machine, beside its runs; a later run plans by it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pointwise_bench.suites.harness.design.costs import CostKey, Costs, read, written
from pointwise_bench.suites.harness.record.json_lines import recording

COSTS_FILE: Final = "costs.json"
COSTS_FORMAT: Final = 1


def load(machine_folder: Path) -> dict[CostKey, Costs]:
    """The costs that earlier runs have left; none where there is no such file, or none that can be read."""
    try:
        content = json.loads((machine_folder / COSTS_FILE).read_text())
        return read(content["costs"]) if content["format"] == COSTS_FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):  # they are learnt anew
        return {}


def save(machine_folder: Path, costs: Mapping[CostKey, Costs]) -> None:
    """Write them whole or not at all, beside those of backends that this run did not have.

    ``CannotRecord`` where the disk does not take them.
    """
    draft = machine_folder / f"{COSTS_FILE}.draft"
    content = {"format": COSTS_FORMAT, "costs": written(load(machine_folder) | dict(costs))}
    with recording(machine_folder / COSTS_FILE):
        draft.write_text(json.dumps(content, indent=1) + "\n")
        draft.replace(machine_folder / COSTS_FILE)
