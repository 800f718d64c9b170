"""The documents tell the truth: what they show works, and what they list is there."""

from __future__ import annotations

import ast
import configparser
import re
from argparse import ArgumentParser
from dataclasses import fields

import pytest
from imports import FILES, PACKAGE, tree
from places import ROOT

import pointwise_bench
from pointwise_bench.__main__ import COMMANDS
from pointwise_bench.common import formats
from pointwise_bench.common.cores import DEFAULT_BUDGET
from pointwise_bench.common.formats import ATTACK_GROUPS, MODEL_WAYS
from pointwise_bench.common.status import STATUSES
from pointwise_bench.comparing import request as comparing
from pointwise_bench.optimizing import command as optimizing
from pointwise_bench.report.analysis import comparisons, timings
from pointwise_bench.report.analysis.trust import attacks
from pointwise_bench.report.pages.across.whole_models import COLUMNS as WHOLE_MODEL_COLUMNS
from pointwise_bench.report.pages.files.network_files import NETWORK_COLUMNS, SHARE_COLUMNS
from pointwise_bench.report.reading.timed_models import TIMED_MODEL
from pointwise_bench.report.reading.value_readers import MOST_ENTRIES
from pointwise_bench.suites import demo, pytest_plugin
from pointwise_bench.suites.attacks import course
from pointwise_bench.suites.calibration import __main__ as calibration
from pointwise_bench.suites.claims import CLAIMS
from pointwise_bench.suites.harness.claims.claim_file import ClaimResult
from pointwise_bench.suites.harness.record.cell import Cell

README = (ROOT / "README.md").read_text()
RESULTS_FORMAT = (ROOT / "docs/RESULTS_FORMAT.md").read_text()
ARCHITECTURE = (ROOT / "docs/ARCHITECTURE.md").read_text()
GLOSSARY = (ROOT / "docs/GLOSSARY.md").read_text()

# The changelog tells of files as they were.
DOCUMENTS = [path for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")) if path.name != "CHANGELOG.md"]
DOCUMENTS += [ROOT / "results/README.md"]
FOLDERS = ("backends", "suites", "report", "tests", "docs", "src", r"\.github")


def test_tox_names_every_file_of_suites_without_timed_tests() -> None:
    untimed = [
        f"suites/{path.name}"
        for path in sorted((ROOT / "suites").glob("test_*.py"))
        if "@pytest.mark.benchmark" not in path.read_text()
    ]
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    assert tox["tests"]["untimed"].split() == untimed
    assert all("{[tests]untimed}" in tox[name]["commands"] for name in ("testenv", "testenv:coverage"))


def test_every_option_stands_in_the_readme() -> None:
    declared: set[str] = set()
    pytest_plugin.add_options(lambda name, **_: declared.add(name))
    listed = set(re.findall(r"\| `(--[\w-]+)", README))
    assert declared == listed


def test_the_default_thread_budget_is_told_in_the_same_words_by_the_readme_and_every_command() -> None:
    assert DEFAULT_BUDGET in README
    demo_parser = ArgumentParser()
    demo.add_arguments(demo_parser)
    helps = {"run": " ".join(declared_helps())}
    for command in (calibration._parser(), optimizing._parser(), comparing.parser(), demo_parser):
        helps[command.prog] = " ".join(action.help or "" for action in command._actions)
    assert [command for command, said in helps.items() if DEFAULT_BUDGET not in said] == []
    assert DEFAULT_BUDGET in (calibration._parser().description or "")


def declared_helps() -> list[str]:
    """Of the options of a run."""
    found: list[str] = []
    pytest_plugin.add_options(lambda name, **given: found.append(str(given.get("help", ""))))
    return found


def test_every_key_of_a_cell_is_described() -> None:
    assert {field.name for field in fields(Cell)} == described_keys("cells.jsonl")


def test_every_key_of_a_finding_is_described() -> None:
    assert {field.name for field in fields(ClaimResult)} == described_keys("claims.jsonl")


def test_every_key_of_a_timed_model_is_described() -> None:
    section = RESULTS_FORMAT.split("## models.json")[1].split("\n## ")[0]
    assert {*TIMED_MODEL, *MODEL_WAYS} <= set(re.findall(r"`([\w.-]+)`", section))
    assert f"over {formats.MOST_BESIDE_BYTES >> 20} MiB" in section
    assert {f"`{column}`" for column in WHOLE_MODEL_COLUMNS} <= set(
        re.findall(r"`\w+`", RESULTS_FORMAT.split("In whole-models.csv")[1].split("\n## ")[0])
    )


def test_the_bounds_of_what_is_read_are_told() -> None:
    told = " ".join(RESULTS_FORMAT.split())
    for said in (
        f"a run.json of over {formats.MOST_RUN_BYTES >> 20} MiB",
        f"a file of lines of over {formats.MOST_LINES_BYTES >> 20:,} MiB",
        f"a file of over {formats.MOST_LINES_OF_FILES:,} lines".capitalize(),
        f"a file beside the runs of a machine of over {formats.MOST_BESIDE_BYTES >> 20} MiB "
        f"(attacks.json: {formats.MOST_ATTACKS_BYTES >> 20} MiB)",
        f"A line of over {formats.LONGEST_LINE >> 20} MiB",
        f"a series of over {formats.MOST_ROUNDS_OF_A_CELL:,} entries",
        f"another list or object of over {MOST_ENTRIES:,} is",
    ):
        assert said in told


def test_every_key_of_a_kind_that_was_tried_is_described() -> None:
    assert {*attacks.TRIED_KIND} == described_keys("attacks.json")
    text = RESULTS_FORMAT.split("## attacks.json")[1].split("\n## ")[0]
    assert {*ATTACK_GROUPS} <= set(re.findall(r"`(\w+)`", text))
    assert f"over {formats.MOST_ATTACKS_BYTES >> 20} MiB" in text
    assert f"under {course.GAINED} of its honest control" in text


TABLES = {
    "timings.csv": timings.COLUMNS,
    "comparisons.csv": comparisons.COLUMNS,
    "networks.csv": NETWORK_COLUMNS,
    "shares.csv": SHARE_COLUMNS,
}


@pytest.mark.parametrize("file", TABLES)
def test_every_column_of_a_table_is_described(file: str) -> None:
    assert set(TABLES[file]) == described_keys(file)


def test_every_status_is_described() -> None:
    (row,) = re.findall(r"^\| `status` \| \| (.*) \|$", RESULTS_FORMAT, re.MULTILINE)
    assert set(re.findall(r"`([\w-]+)`", row)) == set(STATUSES)


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


def test_links_between_documents_lead_somewhere() -> None:
    for document in DOCUMENTS:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_the_readme_begins_with_the_commands_of_a_fresh_machine_and_ci_runs_the_second() -> None:
    commands = re.findall(r"^python3 -m venv .*?(?=  #|$)", README.split("```")[1], re.MULTILINE)
    bench, test = (command.strip() for command in commands)
    assert bench == test.replace("run -e test", "run -e bench")
    assert test in (ROOT / ".ci/run").read_text().splitlines()


# --- where is what ------------------------------------------------------------------------------------------------


def test_every_path_that_a_document_names_exists() -> None:
    """In code style, from the top of the repository; patterns count if they match something."""
    missing = [
        f"{document.relative_to(ROOT)}: {path}"
        for document in DOCUMENTS
        for path in re.findall(
            r"`((?:backends|suites|report|tests|docs|src|\.github)/[\w./*-]*)`", document.read_text()
        )
        if not list(ROOT.glob(path.rstrip("/")))
    ]
    assert missing == []


@pytest.mark.parametrize("package", ["suites.harness", "report"])
def test_every_room_stands_in_the_drawing_with_what_it_is_for(package: str) -> None:
    drawing = " ".join(ARCHITECTURE.split("```")[1].split())
    inits = {module: path for module, path in FILES.items() if path.name == "__init__.py"}
    rooms = {
        module.rpartition(".")[2]: (ast.get_docstring(tree(module)) or "").splitlines()[0]
        for module in inits
        if module.rpartition(".")[0] == f"{PACKAGE}.{package}"
    }
    assert rooms
    assert {name: says for name, says in rooms.items() if f"{name}/ {says}" not in drawing} == {}


def test_each_question_of_a_stranger_has_one_file_for_an_answer() -> None:
    table = ARCHITECTURE.split("## A stranger's questions")[1]
    answers = dict(re.findall(r"^\| ([^|]+) \| `([^`|]+)` \|$", table, re.MULTILINE))
    assert answers.keys() >= {
        *("the clock read", "a verdict decided", "an answer judged", "a worker killed", "a cell written"),
        *("rounds planned", "a time budget spent", "a backend found"),
    }
    assert [path for path in answers.values() if not (ROOT / path).is_file()] == []
    assert len(answers) == len(re.findall(r"^\| (?!where is|---)", table, re.MULTILINE)), "a row that is not read"


def test_each_word_of_the_glossary_is_told_in_a_sentence_or_two_and_lives_somewhere() -> None:
    rows = re.findall(r"^\| ([\w ]+) \| ([^|]+) \| `([^`|]+)` \|$", GLOSSARY, re.MULTILINE)
    words = {word for word, _, _ in rows}
    assert words >= {
        *("session", "run", "plan", "pass", "trial", "round", "turn", "sample", "cell", "case"),
        *("leaders", "policy", "canary", "ceiling", "roof", "backend", "layer"),
    }
    assert [word for word, text, _ in rows if not (text.endswith(".") and text.count(". ") <= 2)] == []
    assert [place for _, _, place in rows if not (ROOT / place).exists()] == []


def test_every_name_that_the_package_offers_is_described() -> None:
    table = (ROOT / "docs/ADDING_A_BACKEND.md").read_text().split("offers\n")[1].split("\n## ")[0]
    names = " ".join(re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE))
    assert set(re.findall(r"`(\w+)(?:\(\w*\))?`", names)) == set(pointwise_bench.__all__)


def test_every_command_stands_in_the_readme() -> None:
    assert [name for name in COMMANDS if f"pointwise-bench {name}" not in README] == []
