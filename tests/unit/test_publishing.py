"""``pointwise-bench publish``: a contributed run must have been measured by the rules of this version."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from changed_policy import changed_policy
from make_run import cell, write_run

from pointwise_bench.publishing import main
from pointwise_bench.suites.harness.design.policies.judging import GatePolicy
from pointwise_bench.suites.harness.design.policies.timing import TurnPolicy
from pointwise_bench.suites.harness.design.policy import POLICY

CELLS = [cell("a", "n1c64h28w28-o128", [1e-3] * 9)]


def test_todays_rules_are_accepted_and_others_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """How its time was spent is no rule."""
    today = write_run(tmp_path, CELLS, "2026-01-02T03-04-05Z", policy=POLICY.written())
    other = write_run(tmp_path, CELLS, "2026-01-03T03-04-05Z", policy=POLICY.written() | {"rounds": {"turn_s": 1.0}})
    older = write_run(tmp_path, CELLS, "2026-01-05T03-04-05Z", policy=POLICY.written() | {"gate": {}, "gone": {"x": 3}})
    planned = changed_policy(rounds={"most_passes_in_budget": 7}, budget={"closing_share": 0.5}).written()
    longer = write_run(tmp_path, CELLS, "2026-01-04T03-04-05Z", policy=planned)
    assert main(["--check", str(today), str(longer)]) == 0
    assert main(["--check", str(other), str(older)]) == 1
    *yes, no, of_older = capsys.readouterr().out.splitlines()
    assert [line[:5] for line in yes] == ["yes: ", "yes: "]
    of_turns = len(fields(TurnPolicy))
    said = f"rules: measured by other rules: rounds.turn_s is 1.0 there and 0.004 here, and {of_turns - 1} more differ"
    assert no.endswith(said)
    first, more = fields(GatePolicy)[0], len(fields(GatePolicy))  # one of the gate is named, and one is gone
    assert of_older.endswith(
        f"gate.{first.name} is not recorded there and {first.default} here, and {more} more differ"
    )
