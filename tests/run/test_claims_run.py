"""A run of claims from the command line to the page: recorded, finished where it was cut short, reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from places import PLUGINS
from suite_command import CHEAP, only_run, read_run, run_suite

from pointwise_bench.report.__main__ import main
from pointwise_bench.suites.harness.design.policy import POLICY

PARTIAL = "refuses-large"
"""Not the naive loops, which refuse as much: beside other work a round of them takes longer than a claim allows."""
CHOSEN = (
    *("-k", "channels-only or mlpconv-1", "--shapes", "claims", "--plugin", str(PLUGINS / "refuses_large.py")),
    *("--backend", CHEAP, "--backend", PARTIAL, "--time-budget", "60s"),
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two claims and a cell, of a backend that can and of one that mostly refuses."""
    results = tmp_path_factory.mktemp("claims") / "results"
    done = run_suite(results, *CHOSEN)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "claims of single backends: 3 ok, 1 unsupported" in done.stdout, done.stdout[-3000:]
    return results


def lines(results: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (only_run(results) / "claims.jsonl").read_text().splitlines()]


def test_there_is_a_line_for_each_claim_and_backend(finished: Path) -> None:
    found = {(line["claim"], line["backend"]): line["status"] for line in lines(finished)}
    assert found == {
        ("channels-only", CHEAP): "ok",
        ("mlpconv-1", CHEAP): "ok",
        ("channels-only", PARTIAL): "ok",
        ("mlpconv-1", PARTIAL): "unsupported",
    }


def test_series_are_one_value_per_round_from_three_starts(finished: Path) -> None:
    for line in lines(finished):
        if line["status"] == "ok":
            assert len(set(line["process"])) == POLICY.rounds.passes
            assert {len(samples) for samples in line["samples_s"].values()} == {len(line["process"])}
            assert 0 < line["cpu_over_wall"] < 1.2
            assert line["isolation"] == "worker"
        else:
            assert line["samples_s"] == {}
            assert line["reason"]


def test_the_run_says_what_is_claimed_and_is_finished(finished: Path) -> None:
    run = read_run(finished)
    assert [claim["name"] for claim in run["claims"]] == ["channels-only", "mlpconv-1"]
    assert run["finished_at"] is not None
    assert run["totals"]["claims"] == {"ok": 3, "unsupported": 1}
    assert run["options"]["backends"] == [CHEAP, PARTIAL]


def test_the_page_has_prediction_measurement_and_refusal(finished: Path, tmp_path: Path) -> None:
    assert main([str(only_run(finished)), "--out", str(tmp_path)]) == 0
    page = (tmp_path / "claims.html").read_text()
    assert "predicted 9.00× by multiply-adds" in page  # noqa: RUF001  # the multiplication sign is meant
    assert f"is predicted to need over {2**21} multiply-adds" in page
    assert 'href="claims.html"' in (tmp_path / "index.html").read_text()
    rows = (tmp_path / "claims.csv").read_text().splitlines()
    assert len(rows) == 1 + 4


def test_a_resumed_run_measures_what_is_missing_and_nothing_else(finished: Path, tmp_path: Path) -> None:
    import shutil

    results = tmp_path / "results"
    shutil.copytree(finished, results)
    folder = only_run(results)
    kept = (folder / "claims.jsonl").read_text().splitlines(keepends=True)
    lost = next(place for place, line in enumerate(kept) if f'"{CHEAP}"' in line)
    torn = kept[lost][: len(kept[lost]) // 2]  # as a power failure leaves it
    (folder / "claims.jsonl").write_text("".join(line for line in kept if line != kept[lost]) + torn)
    run = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(run | {"finished_at": None}))
    done = run_suite(results, *CHOSEN, "--resume")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "3 claims of single backends" in done.stdout
    after = (folder / "claims.jsonl").read_text().splitlines(keepends=True)
    assert after[:3] == [line for line in kept if line != kept[lost]]
    (new,) = map(json.loads, after[3:])
    assert (new["backend"], new["status"]) == (CHEAP, "ok")
    assert read_run(results)["finished_at"] is not None


@pytest.mark.alone
def test_a_backend_that_hangs_costs_its_own_claims_only(tmp_path: Path) -> None:
    plugin = tmp_path / "hangs.py"
    plugin.write_text(
        "import time\n"
        "from pointwise_bench import Backend, register\n"
        "@register\n"
        "class Hangs(Backend):\n"
        "    name = 'hangs'\n"
        "    def prepare(self, problem, weight, bias, threads):\n"
        "        return lambda x: time.sleep(1000)\n"
    )
    results = tmp_path / "results"
    done = run_suite(
        results, "-k", "test_claim and mlpconv", "--shapes", "claims", "--plugin", str(plugin), "--backend", "hangs",
        "--backend", CHEAP, "--timeout", "1s", "--time-budget", "20s",
    )  # fmt: skip
    assert done.returncode == 1, done.stdout[-3000:]  # it was named, and has no time
    found = {(line["claim"], line["backend"]): line["status"] for line in lines(results)}
    assert found == {
        ("mlpconv-1", "hangs"): "timed-out",
        ("mlpconv-2", "hangs"): "timed-out",
        ("mlpconv-1", CHEAP): "ok",
        ("mlpconv-2", CHEAP): "ok",
    }


def test_in_process_numbers_are_shown_and_not_compared(tmp_path: Path) -> None:
    """On loops: a BLAS in this process was loaded with all cores, and would break the budget of one thread."""
    results = tmp_path / "results"
    chosen = ("-k", "test_claim and channels-only", "--shapes", "claims", "--backend", "naive-loops")
    done = run_suite(results, *chosen, "--in-process", "-p", "rounds_of_any_length")
    assert done.returncode == 0, done.stdout[-3000:]
    (line,) = lines(results)
    assert line["isolation"] == "in-process"
    assert main([str(only_run(results)), "--out", str(tmp_path / "out")]) == 0
    assert "timed in-process: not compared" in (tmp_path / "out" / "claims.html").read_text()
