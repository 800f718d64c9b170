"""Listing is instant: what may be imported, and for how long, before anybody computes anything."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from places import ROOT

from pointwise_bench.common.heavy_packages import HEAVY_PACKAGES

MEASURED = """
import json, sys, time
before = set(sys.modules)
began = time.perf_counter()
{statement}
seconds = time.perf_counter() - began
print(json.dumps({{"seconds": seconds, "imported": sorted(set(sys.modules) - before)}}))
"""

# A pytest plugin that tells, after the collection, what is imported by then.
WITNESS = """
import sys

def pytest_sessionfinish():
    print("\\nimported: " + ",".join(sorted(name for name in sys.modules if "." not in name)))
"""


def run(statement: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", MEASURED.format(statement=statement)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def cpu_of_children_s() -> float:
    """Processor seconds of ended children: what they take on an idle machine, whoever else uses this one."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.mark.alone
def test_importing_backends_takes_at_most_three_tenths_of_a_second() -> None:
    runs = [run("import pointwise_bench") for _ in range(3)]
    assert not (HEAVY_PACKAGES | {"numpy"}) & set(runs[0]["imported"])
    # The best of three: a busy machine can slow one, and no machine makes one faster than it is.
    assert min(each["seconds"] for each in runs) <= 0.3


CONTRACT = {"", ".backends", *(f".backends.{name}" for name in ("problem", "backend", "registry"))}
REGISTRY = {"", *(f".{part}" for part in ("sources", "declaration", "stand_ins", "importing"))}
BROUGHT = {f"pointwise_bench{name}" for name in CONTRACT | {f".backends._finding{part}" for part in REGISTRY}}


def ours_of(statement: str) -> set[str]:
    imported = run(statement)["imported"]
    assert not (HEAVY_PACKAGES | {"numpy"}) & set(imported)
    return {name for name in imported if name.partition(".")[0] == "pointwise_bench"}


def test_the_package_itself_brings_the_contract_and_the_registry() -> None:
    assert ours_of("import pointwise_bench") == BROUGHT


# Beside what the package itself brings: what the module is made of, and its packages. The policy, which a run records,
# counts as one: its groups are files of numbers that import nothing else.
GROUPS = {f"pointwise_bench.suites.harness.design.policies{name}" for name in ("", ".judging", ".planning", ".timing")}


@pytest.mark.parametrize(
    ("module", "most"),
    [
        ("common.status", 2),
        # Itself in three packages, how a regular file is opened in one, and how long a line can be.
        ("suites.harness.record.json_lines", 7),
        ("suites.harness.record.run_folder", 17),
    ],
)
def test_what_knows_words_and_lines_loads_little_of_ours_and_no_numpy(module: str, most: int) -> None:
    ours = ours_of(f"import pointwise_bench.{module}")
    assert f"pointwise_bench.{module}" in ours
    assert len(ours - BROUGHT - GROUPS) <= most, ours


def test_listing_the_names_imports_nothing_heavy() -> None:
    imported = set(run("import pointwise_bench; pointwise_bench.names()")["imported"])
    assert not HEAVY_PACKAGES & imported
    assert {name for name in imported if name.startswith("pointwise_bench.backends.")} > {
        "pointwise_bench.backends.registry"
    }


def collected(place: str, tmp_path: Path, environment: dict[str, str], *options: str) -> str:
    """What pytest prints that collects ``place`` with the witness, which stands in ``tmp_path``."""
    path = os.pathsep.join([str(tmp_path), str(ROOT), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "pytest", place, "--collect-only", "-q", "-p", "witness"]
    command += ["-p", "no:cacheprovider", f"--benchmark-storage={tmp_path}", *options]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout


def collect(place: str, tmp_path: Path) -> tuple[float, str]:
    """CPU seconds of collecting ``place``, and what is printed; the better of two times, of compiled files."""
    # Whoever collects again finds his files compiled, also where the environment of the tests forbids to keep them.
    kept = dict(os.environ)
    if kept.pop("PYTHONDONTWRITEBYTECODE", ""):
        kept["PYTHONPYCACHEPREFIX"] = str(tmp_path / "compiled")
    seconds: list[float] = []
    for _ in range(2):
        before_s = cpu_of_children_s()
        printed = collected(place, tmp_path, kept)
        seconds.append(cpu_of_children_s() - before_s)
    return min(seconds), printed


# Seen: 2.8 to 2.95 times, 2.5 CPU seconds of 0.88, for 9,075 tests: pytest's own part of that alone is more than half.
MOST_TIMES_ONE_TEST = 3.5


@pytest.mark.alone
def test_collecting_takes_little_and_imports_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "witness.py").write_text(WITNESS)
    (tmp_path / "test_single.py").write_text("def test_single() -> None: ...\n")
    one_s, _ = collect(str(tmp_path / "test_single.py"), tmp_path)
    all_s, printed = collect("suites/", tmp_path)
    assert all_s <= MOST_TIMES_ONE_TEST * one_s
    (line,) = [line for line in printed.splitlines() if line.startswith("imported: ")]
    assert not HEAVY_PACKAGES & set(line.removeprefix("imported: ").split(","))
    assert "tests collected" in printed


def test_whoever_only_measures_collects_no_untimed_tests_and_not_what_they_are_made_with(tmp_path: Path) -> None:
    (tmp_path / "witness.py").write_text(WITNESS)
    options = ("--benchmark-only", "--shapes", "basics", "--backend", "numpy-matmul")
    # What pytest-xdist tells its processes would make pytest-benchmark refuse the option.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    printed = collected("suites/", tmp_path, inherited, *options)
    files = {line.partition("::")[0] for line in printed.splitlines() if "::" in line}
    assert files == {"suites/test_sweeps.py"}
    (line,) = [line for line in printed.splitlines() if line.startswith("imported: ")]
    assert "hypothesis" not in line.removeprefix("imported: ").split(",")
