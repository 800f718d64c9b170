"""The correctness suite itself is tested: faults that show on few problems are found by what every backend is asked."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from places import PLUGINS, ROOT
from soak import SOAK
from suite_command import suite_environment

from pointwise_bench.common.cores import available_cores

SEEDS = range(20 if SOAK else 1)
EVERYBODYS = "test_kinds or (test_edges and not other) or test_all_threads"
DRAWS = " or test_any_problem" if SOAK else ""
"""Of which the lists below leave nothing to be found: to make every draw that fails simpler takes most of the time."""

# Which lists must find each, whatever is drawn.
FOUND_BY: dict[str, set[str]] = {
    "rarely-right": set(),
    "rarely-odd-channels": {"test_kinds", "test_edges", "test_all_threads"},
    "rarely-last-row": {"test_kinds", "test_edges"},
    "rarely-two-threads": {"test_all_threads"} if available_cores() > 1 else set(),
    "rarely-three-at-once": {"test_kinds"},
    "rarely-remembers": {"test_kinds"},
}


def failed_tests(seed: int, chosen: str) -> dict[str, set[str]]:
    """The tests that failed, by backend."""
    command = [sys.executable, "-m", "pytest", "suites/test_correctness.py", "-q", "-p", "no:cacheprovider"]
    command += [
        "-k",
        chosen,
        "--plugin",
        str(PLUGINS / "rarely_wrong.py"),
        "--backend",
        "rarely-*",
        f"--hypothesis-seed={seed}",
    ]
    done = subprocess.run(
        command, cwd=ROOT, env=suite_environment(), capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 1, done.stdout[-3000:]
    found: dict[str, set[str]] = {name: set() for name in FOUND_BY}
    for test, parameters in re.findall(r"^FAILED \S+::(\w+)\[(.+?)\]", done.stdout, re.MULTILINE):
        found[next(name for name in FOUND_BY if f"{name}-" in f"{parameters}-")].add(test)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_rare_faults_are_found_by_what_every_backend_is_asked(seed: int) -> None:
    found = failed_tests(seed, EVERYBODYS + DRAWS)
    for name, tests in FOUND_BY.items():
        assert found[name] >= tests, f"{name}: {found[name]}"
    assert found["rarely-right"] == set()  # the control
