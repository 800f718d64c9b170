"""The documents tell the truth: what they show works, and what they list is there."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from places import ROOT

from pointwise_bench.backends import Problem, Source
from pointwise_bench.suites.claims import CLAIMS
from pointwise_bench.suites.harness.claims import timed_claim as claimant
from pointwise_bench.suites.harness.claims.claim_file import ClaimResult
from pointwise_bench.suites.harness.design import rounds
from pointwise_bench.suites.harness.record.cell import Cell
from pointwise_bench.suites.harness.run import claim_plan, trial as contest
from pointwise_bench.suites.harness.timing import clock
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.worker.client import WorkerClient
from pointwise_bench.suites.harness.worker.client_protocol import SharedCases

README = (ROOT / "README.md").read_text()
METHODOLOGY = (ROOT / "docs/METHODOLOGY.md").read_text()
RESULTS_FORMAT = (ROOT / "docs/RESULTS_FORMAT.md").read_text()

EXAMPLE = next(block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "@register" in block)


def test_the_readmes_backend_is_one_file_of_at_most_twenty_lines() -> None:
    assert len(EXAMPLE.strip().splitlines()) <= 20


@pytest.mark.parametrize(
    "problem", ["n2c12h7w9-o20-s2-bias-relu-nhwc", "n1c12h6w6-o8-bias-float64-nhwc", "n1c3h5w5-o7-nhwc"], ids=str
)
def test_the_readmes_backend_passes_the_gate(problem: str, tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(EXAMPLE)
    worker = WorkerClient("my-matmul", Source("plugin", str(plugin)), threads=1, log=tmp_path / "log")
    shared = SharedCases(Problem.parse(problem), CaseSet.of(Problem.parse(problem), seed=0))
    try:
        assert worker.refuses(shared.problem, 60.0) is None
        worker.set_up(shared, 60.0)
        worker.turn(2, 0.0, None, 60.0)
        worker.finish(60.0)
    finally:
        shared.close()
        worker.kill()


def test_every_file_of_the_architecture_exists() -> None:
    tree = README.split("## Architecture")[1].split("```")[1]
    named = set(re.findall(r"\b(\w+\.(?:py|jsonl|json))\b", tree)) - {"run.json", "cells.jsonl", "claims.jsonl"}
    present = {
        path.name for folder in ("backends", "suites", "report", "tests") for path in (ROOT / folder).rglob("*.py")
    }
    assert named <= present, named - present


def test_every_module_of_the_harness_stands_in_the_architecture() -> None:
    modules = {path.name for path in (ROOT / "suites/harness").glob("*.py")}
    helpers = {"__init__.py", "host.py", "outcome.py", "progress.py", "settings.py", "threads.py", "processor.py"}
    helpers |= {"workbench.py"}
    missing = {name for name in modules - helpers if name not in README}
    assert not missing


def test_every_option_stands_in_the_readme() -> None:
    declared = set(
        re.findall(r'"(--[\w-]+)"', (ROOT / "suites/conftest.py").read_text().split("def pytest_configure")[0])
    )
    listed = set(re.findall(r"\| `(--[\w-]+)", README))
    assert declared == listed


def test_every_key_of_a_cell_is_described() -> None:
    assert {field.name for field in fields(Cell)} == described_keys("cells.jsonl")


def test_every_key_of_a_finding_is_described() -> None:
    assert {field.name for field in fields(ClaimResult)} == described_keys("claims.jsonl")


def described_keys(file: str) -> set[str]:
    table = RESULTS_FORMAT.split(f"## {file}")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]*`) \|", table, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_the_document_of_the_claims_has_a_place_for_each_and_no_typed_figure() -> None:
    document = (ROOT / "docs/WHAT_IT_BUYS.md").read_text()
    for name in ("run", *sorted({str(claim.number) for claim in CLAIMS})):
        assert document.count(f"<!-- claims:{name}:begin -->") == document.count(f"<!-- claims:{name}:end -->") == 1
    typed = re.sub(r"<!-- claims:(\w+):begin -->.*?<!-- claims:\1:end -->", "", document, flags=re.DOTALL)
    assert re.findall(r"[\d.]+×", typed) == ["4.00×"]  # noqa: RUF001  # the sign's explanation


def test_the_methodology_has_the_harnesss_own_numbers() -> None:
    words = " ".join(METHODOLOGY.split())
    for text in (
        f"about {rounds.WARM_S * 1e3:.0f} ms of calls (one at least)",
        f"about {rounds.TURN_S * 1e3:.0f} ms of calls (one at least) on the clock",
        f"by no more than {100 * clock.LEVEL_WITHIN:.0f} %, for at most {clock.LONGEST_WARM_UP_S:.0f} s",
        f"may exceed the thread budget by at most {contest.BUDGET_TOLERANCE}",
        f"about {claimant.TURN_S * 1e3:.0f} ms of calls (one at least), after one call unseen",
        f"where a call is shorter than {claimant.LONG_S * 1e3:.0f} ms",
        f"a budget of {claim_plan.USUAL_S:.0f} s unless `--time-budget` says otherwise",
        f"{100 * claim_plan.SHARE:.0f} % of it for the claims",
    ):
        assert text in words, text


def test_links_between_documents_lead_somewhere() -> None:
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "results/README.md"]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
