"""A run from the command line to the disk: what is printed, what is recorded, and what pytest-benchmark makes of it."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
from places import PLUGINS, ROOT
from suite_command import CHEAP, SMALL, WHOLE, WIDER, only_run, read_cells, read_run, run_suite

from pointwise_bench import Problem
from pointwise_bench.common.formats import ROUNDS_APART
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.record.cell import Cell

# All that the document of the format names in code: a new key is written there, and no test has to know it.
DOCUMENTED = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "RESULTS_FORMAT.md").read_text()))
CELL_KEYS = {each.name for each in fields(Cell)}
# For runs whose subject is not the numbers, and for those whose subject is not the starts either.
BRIEF = ("-p", "brief_rounds")
SINGLE_START = ("-p", "single_start")

SERIES = {"samples_s", "device_samples_s", "canary_s", "process", "round"}


@dataclass
class Finished:
    """A run that is over."""

    done: subprocess.CompletedProcess[str]
    results: Path
    storage: Path

    @property
    def benchmarks(self) -> list[dict[str, Any]]:
        """What pytest-benchmark has written of it."""
        (path,) = self.storage.rglob("*first.json")
        found: list[dict[str, Any]] = json.loads(path.read_text())["benchmarks"]
        return found


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Two problems, two backends, the machine's real ceilings, and workers as a user has them."""
    folder = tmp_path_factory.mktemp("run")
    done = run_suite(
        folder / "results",
        *("-p", "few_rounds"),
        *("--shapes", SMALL, "--shapes", WIDER),
        *("--backend", CHEAP, "--backend", "naive-loops"),
        "--benchmark-save=first",
        f"--benchmark-json={folder / 'given.json'}",
        real_ceilings=True,
        real_starts=True,
        suites=WHOLE,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return Finished(done, folder / "results", folder / "storage")


# --- on disk ------------------------------------------------------------------------------------------------------


def test_every_cell_has_every_key_and_no_other(finished: Finished) -> None:
    cells = read_cells(finished.results)
    assert {frozenset(cell) for cell in cells} == {frozenset(CELL_KEYS)}
    assert CELL_KEYS <= DOCUMENTED


def test_a_cell_stands_for_each_backend_and_problem(finished: Finished) -> None:
    keys = [(cell["backend"], cell["problem"], cell["threads"]) for cell in read_cells(finished.results)]
    assert sorted(keys) == sorted((name, problem, 1) for name in (CHEAP, "naive-loops") for problem in (SMALL, WIDER))


def test_series_of_a_cell_are_one_value_per_round(finished: Finished) -> None:
    for cell in read_cells(finished.results):
        assert cell["status"] == "ok"
        assert cell["reason"] == ""
        assert len(cell["samples_s"]) == len(cell["round"]) == len(cell["process"]) == len(cell["canary_s"])
        assert len(cell["samples_s"]) >= POLICY.rounds.passes * POLICY.rounds.fewest
        assert min(cell["samples_s"]) > 0
        assert cell["device_samples_s"] == []


def test_every_pass_is_another_start_of_the_worker(finished: Finished) -> None:
    for cell in read_cells(finished.results):
        by_pass: dict[int, set[int]] = {}
        for number, process in zip(cell["round"], cell["process"], strict=True):
            by_pass.setdefault(number // ROUNDS_APART, set()).add(process)
        # Undecided pairs get more passes than planned.
        assert list(by_pass) == list(range(len(by_pass)))
        assert len(by_pass) >= POLICY.rounds.passes
        assert list(by_pass.values()) == [{number} for number in by_pass]


def test_a_timed_cell_was_verified_and_kept_to_its_thread_budget(finished: Finished) -> None:
    for cell in read_cells(finished.results):
        assert 0 <= cell["error_ratio"] <= 1
        assert 0 < cell["cpu_over_wall"] <= 1.1
        assert cell["isolation"] == "worker"
        assert cell["calls"] >= 1
        assert cell["prepare_s"] > 0
        assert cell["first_call_s"] > 0
        assert cell["peak_rss_bytes"] > 10_000_000


def test_backends_of_one_problem_meet_the_same_rounds(finished: Finished) -> None:
    """The canary beats once a round, so equal series are the same stretches of time."""
    by_problem: dict[str, list[dict[int, float]]] = {}
    for cell in read_cells(finished.results):
        named = dict(zip(cell["round"], cell["canary_s"], strict=True))
        assert len(named) == len(cell["round"])
        by_problem.setdefault(cell["problem"], []).append(named)
    for one, other in by_problem.values():
        assert one == other


def test_the_run_has_every_key(finished: Finished) -> None:
    run = read_run(finished.results)
    assert run.keys() >= {"format", "machine", "started_at", "finished_at", "passes", "policy", "project"}
    assert run.keys() | run["options"].keys() <= DOCUMENTED
    assert run["format"] == 1
    assert run["finished_at"] > run["started_at"]
    assert run["options"]["backends"] == ["naive-loops", CHEAP]
    assert run["options"]["threads"] == [1]
    assert only_run(finished.results).parent.name == run["machine"]
    assert run["canary"]["baseline_s"] > 0


def test_ceilings_are_measured_before_between_the_passes_and_after(finished: Finished) -> None:
    run = read_run(finished.results)
    ceilings = run["ceilings"]
    phases = ["before", *["during"] * (len(run["passes"]) - 1), "after"]
    assert [(each["phase"], each["threads"]) for each in ceilings] == [(phase, 1) for phase in phases]
    for each in ceilings:
        assert each["fma_peak_flops"]["float32"] > each["fma_peak_flops"]["float64"] > 1e8
        sizes = [size for size, _ in each["bandwidth"]]
        assert sizes == sorted(sizes)
        assert each["triad_bytes_per_s"] == each["bandwidth"][-1][1] > 1e8


def test_the_run_tells_the_state_of_the_machine_in_every_pass(finished: Finished) -> None:
    run = read_run(finished.results)
    passes = run["passes"]
    assert [each["number"] for each in passes] == list(range(len(passes)))
    assert [each["problems"] for each in passes[: POLICY.rounds.passes]] == [2] * POLICY.rounds.passes
    assert run["started_at"] < passes[0]["began_at"] < passes[1]["began_at"] < run["finished_at"]
    assert all(each["wall_s"] > 0 and each["steal_s"] >= 0 for each in passes)


def test_the_run_tells_what_the_workers_had_loaded(finished: Finished) -> None:
    assert read_run(finished.results)["libraries"].keys() == {f"{name}, 1 threads" for name in (CHEAP, "naive-loops")}
    assert read_run(finished.results)["properties"].keys() == {
        f"{CHEAP}, 1 threads"
    }  # loops refuse what would show any


def test_totals_agree_with_the_cells(finished: Finished) -> None:
    totals, cells = read_run(finished.results)["totals"], read_cells(finished.results)
    assert totals["cells"] == {"ok": len(cells)}
    assert totals["timed_s"] == pytest.approx(sum(sum(cell["samples_s"]) * cell["calls"] for cell in cells))
    assert totals["timed_share"] == pytest.approx(totals["timed_s"] / totals["wall_s"])


def test_no_half_written_file_is_left(finished: Finished) -> None:
    names = {path.name for path in only_run(finished.results).iterdir()}
    assert names == {"run.json", "cells.jsonl", "workers"}


# --- on the terminal ----------------------------------------------------------------------------------------------


def test_progress_is_a_line_per_problem_with_the_time_left(finished: Finished) -> None:
    lines = [line for line in finished.done.stdout.splitlines() if line.startswith(("[pass ", "[undecided, "))]
    planned = [
        f"[pass {number}/{POLICY.rounds.passes}, {done}/2"
        for number in range(1, POLICY.rounds.passes + 1)
        for done in (1, 2)
    ]
    assert [line.partition("]")[0] for line in lines[: len(planned)]] == planned
    assert all(line.startswith("[undecided, ") for line in lines[len(planned) :])
    assert all(line.endswith(" s left") for line in lines)
    assert SMALL in lines[0]
    assert "best of 2" in lines[0]


def test_the_summary_tells_where_the_time_went_and_where_the_results_are(finished: Finished) -> None:
    summary = finished.done.stdout.partition("= pointwise-bench =")[2]
    totals = read_run(finished.results)["totals"]
    assert "4 cells: 4 ok" in summary
    assert f"({100 * totals['timed_share']:.0f} %) of it inside timed calls" in summary
    assert f"run: {only_run(finished.results)}" in summary
    assert f"pointwise-bench report {only_run(finished.results)}" in summary


def test_the_summary_has_a_line_for_each_network_with_who_is_fastest(finished: Finished) -> None:
    """Of layers that a user names, too: two that are named by their ids are two of them."""
    summary = finished.done.stdout.partition("= pointwise-bench =")[2].splitlines()
    (head,) = (number for number, line in enumerate(summary) if line.startswith("network "))
    for line in summary[head + 1 : head + 3]:
        assert re.search(rf"  {CHEAP} +\S+ [mµ]?s +[\d.,]+\S \[.*\] naive-loops +is it +\d+ %$", line)


# --- in pytest-benchmark ------------------------------------------------------------------------------------------


def test_its_medians_are_those_of_the_workers(finished: Finished) -> None:
    cells = {(cell["backend"], cell["problem"]): cell for cell in read_cells(finished.results)}
    assert len(finished.benchmarks) == len(cells)
    for benchmark in finished.benchmarks:
        cell = cells[benchmark["extra_info"]["backend"], benchmark["extra_info"]["problem"]]
        assert benchmark["stats"]["median"] == pytest.approx(statistics.median(cell["samples_s"]), rel=1e-9)
        assert benchmark["stats"]["min"] == pytest.approx(min(cell["samples_s"]), rel=1e-9)
        assert benchmark["stats"]["rounds"] == len(cell["samples_s"])


def test_its_extra_info_is_the_cell_without_its_series(finished: Finished) -> None:
    cells = {(cell["backend"], cell["problem"]): cell for cell in read_cells(finished.results)}
    for benchmark in finished.benchmarks:
        info = benchmark["extra_info"]
        assert info.keys() == CELL_KEYS - SERIES
        cell = cells[info["backend"], info["problem"]]
        assert info == {key: value for key, value in cell.items() if key not in SERIES}


def test_the_json_that_was_asked_for_is_written(finished: Finished) -> None:
    given = json.loads((finished.results.parent / "given.json").read_text())
    assert [each["name"] for each in given["benchmarks"]] == [each["name"] for each in finished.benchmarks]


def test_a_test_is_named_by_the_problems_id(finished: Finished) -> None:
    assert "benchmark '" in finished.done.stdout
    for benchmark in finished.benchmarks:
        assert benchmark["extra_info"]["problem"] in benchmark["name"]
        Problem.parse(benchmark["extra_info"]["problem"])


def test_a_later_run_is_compared_with_a_saved_one_and_grouped(finished: Finished, tmp_path: Path) -> None:
    done = run_suite(
        tmp_path / "results",
        *SINGLE_START,
        "--shapes",
        SMALL,
        "--backend",
        CHEAP,
        f"--benchmark-storage={finished.storage}",
        "--benchmark-compare=0001",
        "--benchmark-group-by=param:backend_name",
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert f"benchmark 'backend_name={CHEAP}'" in done.stdout
    assert "(0001_first)" in done.stdout
    assert "(NOW)" in done.stdout


# --- selecting and marking ----------------------------------------------------------------------------------------


def test_k_selects_and_numbers_from_inside_this_process_are_marked(tmp_path: Path) -> None:
    done = run_suite(
        tmp_path / "results",
        *SINGLE_START,
        "--shapes",
        SMALL,
        "--shapes",
        WIDER,
        "--backend",
        CHEAP,
        "--in-process",
        "--seed",
        "5",
        "-k",
        WIDER,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    (cell,) = read_cells(tmp_path / "results")
    assert cell["problem"] == WIDER
    assert cell["isolation"] == "in-process"
    options = read_run(tmp_path / "results")["options"]
    assert options["in_process"] is True
    assert options["seed"] == 5
    assert options["time_budget_s"] is None
    assert list((only_run(tmp_path / "results") / "workers").iterdir()) == []
    # Nothing was asked of pytest-benchmark.
    assert "benchmark '" not in done.stdout


# --- backends that fail -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("backend", "timeout", "status", "words"),
    [
        ("crashes-on-wide", "30s", "crashed", "killed by SIGABRT"),
        ("hangs-on-wide", "5s", "timed-out", "no answer within"),
    ],
)
def test_a_crash_or_a_hang_costs_its_own_cell_and_no_other(
    backend: str, timeout: str, status: str, words: str, tmp_path: Path
) -> None:
    # A backend that hangs is measured alone: five seconds are a short time for two on a busy machine.
    others = [CHEAP] if status == "crashed" else []
    done = run_suite(
        tmp_path / "results",
        *BRIEF,
        "--plugin",
        str(PLUGINS / "crashes_on_one.py"),
        "--timeout",
        timeout,
        "--shapes",
        WIDER,
        "--shapes",
        SMALL,
        *(f"--backend={name}" for name in (backend, *others)),
        "-rx",
    )
    # Finding that out is what the run is for.
    assert done.returncode == 0, done.stdout[-3000:]
    assert " 1 xfailed" in done.stdout
    cells = {(cell["backend"], cell["problem"]): cell for cell in read_cells(tmp_path / "results")}
    assert len(cells) == 2 * (1 + len(others))
    lost = cells.pop((backend, WIDER))
    assert lost["status"] == status
    assert words in lost["reason"]
    assert lost["samples_s"] == []
    assert {cell["status"] for cell in cells.values()} == {"ok"}
    # The next problem is served by a new process, and its number says so; then come the starts of the other passes.
    assert list(dict.fromkeys(cells[backend, SMALL]["process"]))[: POLICY.rounds.passes] == [1, 2, 3]
    assert f"{backend} on {WIDER}: {status}: {lost['reason']}" in done.stdout
    assert read_run(tmp_path / "results")["finished_at"]


def test_a_plugin_that_cannot_be_loaded_is_a_cell_that_says_why(tmp_path: Path) -> None:
    plugins = {
        "absent-package": ("import no_such_package_anywhere", "No module named 'no_such_package_anywhere'"),
        "impostor": ((PLUGINS / "crashes_on_one.py").read_text().replace("crashes-on-wide", CHEAP), "is taken by"),
    }
    arguments = []
    for name, (text, _) in plugins.items():
        path = tmp_path / f"{name.replace('-', '_')}.py"
        path.write_text(text)
        arguments += ["--plugin", str(path), "--backend", name]
    done = run_suite(tmp_path / "results", *SINGLE_START, *arguments, "--backend", CHEAP, "--shapes", SMALL)
    assert done.returncode == 1, done.stdout[-3000:]  # two that were asked for by name did not run
    cells = {cell["backend"]: cell for cell in read_cells(tmp_path / "results")}
    assert {name: cell["status"] for name, cell in cells.items()} == {
        "absent-package": "unavailable",
        "impostor": "unavailable",
        CHEAP: "ok",
    }
    for name, (_, words) in plugins.items():
        assert words in cells[name]["reason"]
        file = f"{name.replace('-', '_')}.py"
        (told,) = [line for line in done.stdout.splitlines() if line.startswith(f"plugin not taken: {file}: ")]
        assert words in told
        assert re.search(rf"\({file}:\d+\)$", told)
        assert f"{name}, which was asked for by name, could not run: {cells[name]['reason']}" in done.stdout


def test_a_plugin_that_cannot_be_loaded_stands_in_for_the_name_that_it_would_have_declared(tmp_path: Path) -> None:
    plugin = tmp_path / "half_done.py"
    plugin.write_text("import no_such_package_anywhere")
    arguments = ["--plugin", str(plugin), "--shapes", SMALL, "--backend", CHEAP, "--collect-only", "-q"]
    done = run_suite(tmp_path / "results", *arguments, "--backend", "my-matmul")
    assert done.returncode == 0, done.stderr
    assert f"{SMALL}:1t:half-done" in done.stdout
    assert f"{SMALL}:1t:{CHEAP}" in done.stdout
    # With a plugin that can be loaded the same name is a mistake.
    plugin.write_text((PLUGINS / "crashes_on_one.py").read_text())
    done = run_suite(tmp_path / "results", *arguments, "--backend", "my-matmul")
    assert done.returncode == 4
    assert "no backend is called 'my-matmul'" in done.stderr


@pytest.mark.alone
def test_a_backend_that_hangs_cannot_exceed_a_time_budget(tmp_path: Path) -> None:
    plugin = ["--plugin", str(PLUGINS / "misbehaving.py"), "--backend", "hangs-in-python"]
    layers = ["--shapes", SMALL, "--shapes", WIDER]
    done = run_suite(tmp_path / "results", *plugin, "--backend", CHEAP, *layers, "--time-budget", "20s")
    assert done.returncode == 1, done.stdout[-3000:]  # it was named, and has no time
    cells = {(cell["backend"], cell["problem"]): cell for cell in read_cells(tmp_path / "results")}
    assert {key: cell["status"] for key, cell in cells.items()} == {
        (name, problem): status
        for name, status in (("hangs-in-python", "timed-out"), (CHEAP, "ok"))
        for problem in (SMALL, WIDER)
    }
    assert "more would not fit into the time budget" in cells["hangs-in-python", SMALL]["reason"]
    assert "not tried" in cells["hangs-in-python", WIDER]["reason"]
    assert read_run(tmp_path / "results")["totals"]["wall_s"] < 30  # and not the time-out of 60 s
