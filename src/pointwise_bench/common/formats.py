"""What whoever writes a run and whoever reads it must agree on: names of files, numbers of formats, words of keys.

See docs/RESULTS_FORMAT.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, get_args

RUN_FORMAT: Final = 1
"""Of ``run.json`` and the files beside it. A reader refuses a newer one."""
CALIBRATION_FORMAT: Final = 1
"""Of ``calibration.json``."""
ATTACKS_FORMAT: Final = 1
"""Of ``attacks.json``."""
WISDOM_FORMAT: Final = 1
"""Of the file that `pointwise-bench recommend` writes. A reader refuses any other."""
MODELS_FORMAT: Final = 1
"""Of ``models.json``."""

RUN_FILE: Final = "run.json"
CELLS_FILE: Final = "cells.jsonl"
CONTROLS_FILE: Final = "controls.jsonl"
CLAIMS_FILE: Final = "claims.jsonl"
CHECKPOINT_FILE: Final = "checkpoint.jsonl"
CALIBRATION_FILE: Final = "calibration.json"
ATTACKS_FILE: Final = "attacks.json"
MODELS_FILE: Final = "models.json"

# How large the files of a run can be. Whoever reads them looks first: what is beyond fills the memory, and is no run's.
MOST_RUN_BYTES: Final = 32 << 20
"""Of ``run.json``: one of 131 problems and 18 backends has 54 KB, and a hundred thousand places take 20 MB."""
MOST_LINES_BYTES: Final = 1 << 30
"""Of a file of lines: cells of thirty rounds have 3 KB, so that a run of a hundred thousand has 300 MB."""
MOST_LINES_OF_FILES: Final = 1_000_000
"""Of such a file: ten times as many cells."""
LONGEST_LINE: Final = 16 << 20
"""Bytes of one line: a cell of ``MOST_ROUNDS_OF_A_CELL`` has 4 MB, one pass of three thousand backends 9 MB."""
MOST_ROUNDS_OF_A_CELL: Final = 50_000
"""Of one cell: no run starts a backend 50 times on a problem, and no start has ``ROUNDS_APART`` rounds."""
MOST_BESIDE_BYTES: Final = 64 << 20
"""Of a file beside the runs of a machine: a whole model of some hundred layers and rounds takes 40 KB, what is known of
the costs of a backend half a KB."""
MOST_ATTACKS_BYTES: Final = 4 << 20
"""Of ``attacks.json`` beside them: a hundred kinds take 60 KB."""

ROUNDS_APART: Final = 1000
"""Between the numbers of the first rounds of two passes, or of two starts of a claim; no pass has as many rounds."""

LONGEST_CALL_S: Final = 1e6
"""Seconds. A longer call is held for a damaged or forged number, by the harness and by the report alike."""

Cache = Literal["hot", "cold"]
CACHES: Final[tuple[Cache, ...]] = get_args(Cache)
"""Every call gets the same input, or one that no cache holds."""

IN_PROCESS: Final = "in-process"
ISOLATIONS: Final = ("worker", IN_PROCESS)
"""Where a backend was timed: in a worker of its own, or in the harness's process, whose numbers are not compared."""

PHASES: Final = ("before", "during", "after")
"""When the ceilings were measured, seen from the run."""

PREDICTED_STEPS: Final = ("product", "relu")
"""Kinds of a claim's steps whose arithmetic or traffic is predicted; what the others cost is what eats a gain."""
CLAIM_MEASURES: Final = ("macs", "bytes")
"""From which a claim's gain in time is predicted."""

EAGER, OPTIMISED, WITHOUT_KERNEL, TORCH_COMPILE, ONNX_RUNTIME = MODEL_WAYS = (
    *("eager", "optimised", "without-kernel"),
    *("torch.compile", "onnxruntime"),
)
"""Ways to compute a whole model that ``pointwise-bench optimize`` holds beside each other."""

CHEATS, PLANTED_MISTAKES = ATTACK_GROUPS = "attacks", "planted"
"""Of the kinds that ``pointwise-bench attack`` tries: backends that cheat on purpose, and mistakes that are planted."""

USAGE_ERROR: Final = 4
"""Exit code of every command of the project for bad usage; it is pytest's."""

_PLANNING: Final = ("rounds", "budget", "screening", "controls", "costs")
_OF_A_TURN: Final = ("turn_s", "warm_s", "alike", "span")
_PLANNING_AMONG_RULES: Final[Mapping[str, tuple[str, ...]]] = {
    "acceptance": ("most_kinds_hung", "most_time_outs", "turn_given_up_at", "shortest_given_up_s", "slow_interval"),
    "claims": (
        *("fewest_rounds", "most_rounds", "seconds", "most_wait_s", "most_time_outs", "restart_s", "worth"),
        *("first_share", "share_of_visit", "alone_s", "longest_wait_alone_s", "share"),
    ),
    "sequence": (*("share", "shortest_budget_s", "seconds", "least_s", "asked_share", "fewest_rounds", "most_rounds"),),
}
"""By name: they stand in the groups where runs have had them, so that a run from before is told from none of today."""


def rules_of(policy: Mapping[str, Any]) -> dict[str, Any]:
    """What of a written policy decides how a cell is measured and judged; the rest decides how a run's time is spent.

    Two runs of which one had more rounds, or other backends in its finals, may be compared: what they know less
    certainly has a wider interval. A group or a constant that is not known here is held for a rule, if it is not
    among the rounds.
    """
    return {
        group: _without_planning(group, values)
        for group, values in policy.items()
        if group not in _PLANNING or (group == "rounds" and isinstance(values, Mapping))
    }


def _without_planning(group: str, values: Any) -> Any:
    if not isinstance(values, Mapping):
        return values
    if group == "rounds":
        return {name: value for name, value in values.items() if name in _OF_A_TURN}
    planning = _PLANNING_AMONG_RULES.get(group, ())
    return {name: value for name, value in values.items() if name not in planning}
