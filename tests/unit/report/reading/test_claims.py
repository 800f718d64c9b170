"""Lines of claims.jsonl: damaged ones are named, left out, and cost no other line."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from corruptions import ANYTHING, flipped, places_in, written
from make_claims import CLEAN, DESCRIBED, STRIDE, claim_line, lines_of, write_claims
from report_folder import report

from pointwise_bench.common.formats import USAGE_ERROR


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("claim", "unknown"), ("claim", None), ("claim", 5), ("backend", ""), ("backend", "a\nb"), ("threads", 0),
        ("status", "fine"), ("status", "wrong"), ("process", [0]), ("process", "x"), ("process", [-1] * 15),
        ("samples_s", {}), ("samples_s", {"x": [1.0] * 15}), ("samples_s", 5), ("steps_s", {}),
        ("samples_s", {name: [0.0] * 15 for name in STRIDE}), ("error_ratio", 2.0), ("isolation", "alone"),
        ("steps_s", {name: {"other": {"product": 1.0}} for name in STRIDE}),
        ("steps_s", {name: {"whole": {"magic": 1.0}} for name in STRIDE}),
        ("branches_s", {"stride 2": {"whole": [1.0] * 15}}), ("smallest_call_s", -1),
    ],
)  # fmt: skip
def test_a_line_that_says_nonsense_is_named_and_left_out(tmp_path: Path, key: str, value: Any) -> None:
    damaged = claim_line("stride", "a", STRIDE) | {key: value}
    write_claims(tmp_path / "run", written(damaged) + b"\n" + written(CLEAN[1]) + b"\n", DESCRIBED)
    code, said = report(tmp_path / "run", tmp_path / "out")
    assert code == 0
    assert len(said) == 1
    assert "claims.jsonl, line 1: " in said[0]
    assert key.partition("_")[0] in said[0]
    assert "left out" in said[0]
    assert "claims.jsonl, line 1" in (tmp_path / "out" / "claims.html").read_text()


@pytest.mark.parametrize("number", range(60))
def test_any_damage_is_named_or_harmless(tmp_path: Path, number: int) -> None:
    draw = random.Random(number)
    lines, described = json.loads(json.dumps(CLEAN)), json.loads(json.dumps(DESCRIBED))
    holder, key = draw.choice(list(places_in(lines if number % 3 else described)))
    holder[key] = draw.choice(ANYTHING)
    content = lines_of(lines)
    if number % 5 == 0:
        content = flipped(draw, content)[: draw.randrange(len(content))]
    write_claims(tmp_path / "run", content, described)
    code, said = report(tmp_path / "run", tmp_path / "out")
    assert code in (0, USAGE_ERROR)
    assert all(one.isprintable() for one in said)
    # Only a run.json that cannot be read at all stops a report.
    assert code == 0 or (number % 3 == 0 and len(said) == 1)
