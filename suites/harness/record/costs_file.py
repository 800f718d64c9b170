"""``costs.json``: what backends cost on one machine, beside its runs; a later run plans by it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pointwise_bench.common.formats import MOST_BESIDE_BYTES
from pointwise_bench.common.regular_files import read_regular, write_whole
from pointwise_bench.suites.harness.design.costs import CostKey, Costs, read, written
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.record.json_lines import recording

COSTS_FILE: Final = "costs.json"
COSTS_FORMAT: Final = 2


def load(machine_folder: Path) -> tuple[dict[CostKey, Costs], float]:
    """The costs that earlier runs have left, and what trials took of what was foreseen; none where there is no file."""
    try:
        content = json.loads(read_regular(machine_folder / COSTS_FILE, MOST_BESIDE_BYTES))
        if content["format"] == COSTS_FORMAT:
            return read(content["costs"]), min(2.0, max(0.5, float(content["took_of_foreseen"])))
    except (OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError):  # they are learnt anew
        pass
    return {}, POLICY.costs.took_of_foreseen


def save(machine_folder: Path, costs: Mapping[CostKey, Costs], took_of_foreseen: float) -> None:
    """Write them whole or not at all, beside those of backends that this run did not have.

    ``CannotRecord`` where the disk does not take them.
    """
    all_costs = load(machine_folder)[0] | dict(costs)
    content = {"format": COSTS_FORMAT, "took_of_foreseen": took_of_foreseen, "costs": written(all_costs)}
    with recording(machine_folder / COSTS_FILE):
        write_whole(machine_folder / COSTS_FILE, json.dumps(content, indent=1) + "\n")
