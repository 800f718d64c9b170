"""``pointwise-bench suites``: what it lists, what it says of bad input, and what it teaches."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from layer_files import COLUMNS, CSV
from places import ROOT

from pointwise_bench.suites import __main__ as command, catalogue
from pointwise_bench.suites.catalogue import read, select


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pointwise_bench", "suites", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_list_of_groups(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["group", "kind", "layers", "occurrences", "multiply-adds", "(M)"]
    rows = [line.split() for line in lines[1 : lines.index("")]]
    assert ["*", "resnet50_v1.5", "network", "15", "36", "2,119.43"] in rows
    assert ["mobilenet_v1", "network", "9", "13", "539.49"] in rows
    assert sum(row[0] == "*" for row in rows) == len(select([]))
    assert len({len(line) for line in lines[: lines.index("")]}) == 1, "the last column is not aligned to the right"
    assert "--shapes GROUP" in lines[-1]


def test_the_layers_of_groups_and_files(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "mine.csv").write_text(CSV, encoding="utf-8")
    assert command.main(["mine.csv", "basics"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["one-channel", "n1c1h7w7-o1", "1", "49", "1", "0.4"] in rows
    assert ["reduce", "n1c192h28w28-o64-bias-relu", "2", "9,633,792", "12,352", "832.2"] in rows


def test_bad_input_is_one_line_and_exit_code_4() -> None:
    for arguments, line in (
        (["gogle"], "pointwise-bench suites: no group of shapes is called 'gogle': nearest: googlenet\n"),
        (
            ["--cost\nly"],
            "pointwise-bench suites: unrecognized arguments: --cost ly; see pointwise-bench suites --help\n",
        ),
    ):
        finished = run(*arguments)
        assert (finished.returncode, finished.stdout, finished.stderr) == (4, "", line)


def test_help_teaches_with_examples() -> None:
    finished = run("--help")
    assert finished.returncode == 0
    for word in ("pointwise-bench suites googlenet", "my_layers.csv", "--shapes", "n1c192h28w28-o64-bias"):
        assert word in finished.stdout


def test_the_file_that_help_shows_can_be_used(here: Path) -> None:
    shown = command._EXAMPLES.partition("default):\n")[2].partition("\n\n")[0]
    (here / "my_layers.csv").write_text("\n".join(line.strip() for line in shown.splitlines()))
    assert [layer.count for layer in read(Path("my_layers.csv")).layers] == [2, 1]


def test_the_file_that_the_module_shows_can_be_used(here: Path) -> None:
    shown = (catalogue.__doc__ or "").partition("::\n")[2].partition("\nA CSV")[0]
    assert tomllib.loads(shown)
    (here / "mine.toml").write_text(shown)
    assert [layer.problem.id for layer in read(Path("mine.toml")).layers] == ["n1c192h28w28-o64-bias"]


def test_names_that_the_terminal_cannot_show_are_escaped(here: Path) -> None:
    (here / "mine.csv").write_text(f"{COLUMNS}\né,1,8,4,3,3\n", encoding="utf-8")
    finished = run(str(here / "mine.csv"), PYTHONIOENCODING="ascii")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert r"\xe9 " in finished.stdout


def test_a_reader_that_leaves_early_causes_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    finished = subprocess.run(
        [sys.executable, "-m", "pointwise_bench", "suites"],
        cwd=ROOT,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert finished.stderr == ""


def test_the_command_imports_nothing_heavy() -> None:
    code = "import sys, suites.__main__ as m; m.main([]); print({'numpy', 'pandas', 'torch', 'numba'} & {*sys.modules})"
    finished = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert finished.stdout.splitlines()[-1] == "set()"
