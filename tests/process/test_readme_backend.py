"""The documents' backends: short, right, and at home in a checkout when they are saved there as is told."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from places import ROOT

from pointwise_bench.backends import Problem, Source
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.worker.client import WorkerClient
from pointwise_bench.suites.harness.worker.client_protocol import SharedCases


def example(document: str) -> str:
    """The only program of a document."""
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    return str(program)


EXAMPLES = {"my_matmul": example("README.md"), "the_manuals": example("docs/ADDING_A_BACKEND.md")}
# Both are called the same, as the manual goes through what the README shows; a checkout takes a name once.
SAVED = EXAMPLES | {"the_manuals": EXAMPLES["the_manuals"].replace("my-matmul", "the-manuals")}
COPIED = ("backends", "suites", "report", "src", "tests", "docs", "pyproject.toml", "README.md")


def test_the_readmes_is_one_file_of_at_most_twenty_lines() -> None:
    assert len(EXAMPLES["my_matmul"].strip().splitlines()) <= 20


@pytest.mark.parametrize(
    "problem", ["n2c12h7w9-o20-s2-bias-relu-nhwc", "n1c12h6w6-o8-bias-float64-nhwc", "n1c3h5w5-o7-nhwc"], ids=str
)
@pytest.mark.parametrize("file", EXAMPLES)
def test_it_passes_the_gate(file: str, problem: str, tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(EXAMPLES[file])
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


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout in which the examples are saved in ``backends/``."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            unread = shutil.ignore_patterns("*.egg-info")  # what is compiled goes along: it would be compiled again
            shutil.copytree(source, folder / name, symlinks=True, ignore=unread)
        else:
            shutil.copy(source, folder / name)
    for file, text in SAVED.items():
        (folder / "backends" / f"{file}.py").write_text(text)
    return folder


def run_in(checkout: Path, *words: str) -> str:
    """What ``python -m words`` prints in the checkout; fails the test where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": str(checkout / "src")},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    return done.stdout


@pytest.mark.skipif(find_spec("ruff") is None, reason="ruff is not installed: pip install --group lint")
@pytest.mark.parametrize("words", [("check",), ("format", "--check")], ids=lambda words: words[0])
def test_saved_in_the_checkout_it_passes_lint(checkout: Path, words: tuple[str, ...]) -> None:
    run_in(checkout, "ruff", *words, "--no-cache", *(f"backends/{file}.py" for file in SAVED))


@pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is not installed: pip install --group types")
def test_saved_in_the_checkout_it_passes_types(checkout: Path) -> None:
    saved = (f"src/pointwise_bench/backends/{file}.py" for file in SAVED)
    run_in(checkout, "mypy", "--cache-dir", os.devnull, *saved)


def test_saved_in_the_checkout_it_passes_the_contract(checkout: Path) -> None:
    """And the problems that the correctness suite draws, most of which a backend of one kind refuses as they are."""
    files = ("suites/test_contract.py", "suites/test_correctness.py::test_any_problem")
    which = ("--backend", "my-matmul", "--backend", "the-manuals")
    output = run_in(checkout, "pytest", *files, *which, "-p", "no:cacheprovider")
    assert re.search(r"\b[1-9]\d+ passed\b", output)  # nine for each


def test_saved_in_the_checkout_it_passes_the_projects_tests(checkout: Path) -> None:
    rules = "a_backend or of_backends"  # each asks all files, the new one among them
    files = ("tests/project/test_architecture.py", "tests/project/test_modules.py")
    output = run_in(checkout, "pytest", *files, "-k", rules, "-p", "no:cacheprovider")
    assert re.search(r"\b[3-9] passed\b", output)
