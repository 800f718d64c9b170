"""The command line of the report: exit codes, one line for bad input, and two runs compared."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from make_claims import CLEAN, DESCRIBED, lines_of, write_claims
from make_large_run import many_cells
from make_run import cell, noisy, write_run
from no_plain_files import hollow
from report_folder import drawing

from pointwise_bench.common import at_once
from pointwise_bench.common.formats import USAGE_ERROR
from pointwise_bench.report import __main__ as report_main
from pointwise_bench.report.__main__ import main
from pointwise_bench.report.analysis import regression
from pointwise_bench.report.pages import run_analysis, site
from pointwise_bench.report.reading import cells
from pointwise_bench.report.reading.here import Here

FIRST, SECOND = "n1c64h28w28-o128", "n1c128h14w14-o64"
OLDER, NEWER = "2026-01-02T03-04-05Z", "2026-01-03T03-04-05Z"


def two_runs(tmp_path: Path, before: list[dict[str, Any]], after: list[dict[str, Any]], **changed: Any) -> list[str]:
    return [str(write_run(tmp_path, before, OLDER)), str(write_run(tmp_path, after, NEWER, **changed))]


def test_newest_run_is_reported_by_default(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path, [], OLDER)
    newest = write_run(tmp_path, [cell("a", FIRST, [1e-3] * 9)], NEWER, machine="another-4-89abcdef")
    assert main(["--results", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1] == str(newest / "report" / "index.html")
    assert printed.err == f"note: {newest}: the newest run of any machine\n"
    assert {path.name for path in (newest / "report").iterdir()} == {
        *(
            "index.html",
            "layers-tinynet-threads-1.html",
            "layers-tinynet-threads-1.csv",
            "summary.md",
            "plots",
            "tables",
        ),
        *("timings.csv", "comparisons.csv", "networks.csv", "shares.csv", "win-map.html"),
        *("scaling.html", "scaling.csv", "roofline.html", "roofline.csv"),
    }


def test_the_default_is_the_newest_run_of_this_machine_and_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = write_run(tmp_path, [], OLDER)
    write_run(tmp_path, [], NEWER, machine="another-4-89abcdef")
    assert main(["--results", str(tmp_path)], here=Here(lambda: "testbed-2-0123abcd", lambda _: False)) == 0
    printed = capsys.readouterr()
    assert printed.err == f"note: {own}: the newest run of this machine\n"
    assert printed.out == f"{own / 'report' / 'index.html'}\n"


def test_a_run_that_git_keeps_is_only_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_run(tmp_path, [], OLDER)
    before = sorted(folder.rglob("*"))
    assert main([str(folder)], here=Here(lambda: "other", lambda _: True)) == 0
    page = tmp_path / "reports" / "testbed-2-0123abcd" / OLDER / "index.html"
    assert capsys.readouterr().out == f"{page}\n"
    assert page.is_file()
    assert sorted(folder.rglob("*")) == before


def test_several_processes_write_the_same_bytes_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"2026-01-0{day}T03-04-05Z" for day in (2, 3, 4)]
    runs = [write_run(tmp_path, list(many_cells(2, 3, 4, 6, seed)), name) for seed, name in enumerate(names)]

    def written(folder: Path) -> dict[str, bytes]:
        with drawing(plots=False):
            assert main([*map(str, runs), "--out", str(folder)]) == 0
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    alone = written(tmp_path / "alone")
    forks: list[int] = []
    fork = os.fork

    def counted() -> int:
        forks.append(1)
        return fork()

    monkeypatch.setattr(os, "fork", counted)
    monkeypatch.setattr(at_once, "available_cores", lambda: 2)
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    for module, name in ((report_main, "_WORTH_SHARING"), (site, "WORTH_SHARING")):
        monkeypatch.setattr(module, name, 0)
    assert written(tmp_path / "shared") == alone
    assert len(forks) == 3  # read, all that is behind the pages of the runs, and those pages


def test_two_runs_have_an_index_and_one_named_twice_is_one(tmp_path: Path) -> None:
    runs = two_runs(tmp_path, [cell("a", FIRST, [1e-3] * 9)], [])
    with drawing(plots=False):
        assert main([*runs, f"{runs[0]}/", "--out", str(tmp_path / "both")]) == 0
    page = (tmp_path / "both" / "index.html").read_text(encoding="utf-8")
    assert 'id="run-1"' in page
    assert 'id="run-2"' in page
    assert 'id="run-3"' not in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "nowhere"),
        (["--results", "nowhere"], "nowhere"),
        (["--results", "."], "holds no run"),
        (["RUN", "--baseline", "numpy-matmull"], "numpy-matmul"),
        (["NEWER"], "format 99"),
        (["BROKEN"], "run.json"),
        (["ODD"], "ceilings[0].bandwidth[0] is 3"),
        (["ODDER"], "canary is 'chirp'"),
        (["--no-such-option"], "--no-such-option"),
        (["compare", "RUN"], "NEW"),
        (["compare", "RUN", "RUN", "--margin", "-1"], "'-1'"),
        (["compare", "RUN", "ELSEWHERE"], "--across-machines"),
        (["compare", "RUN", "COLD"], "cache: hot before, cold now; add --across-rules"),
        (["RUN", "--splice", "missing.md"], "missing.md"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_4(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    folders = {
        "RUN": write_run(tmp_path / "runs", [cell("numpy-matmul", FIRST, [1e-3] * 9)]),
        "NEWER": write_run(tmp_path / "newer", [], format=99),
        "BROKEN": write_run(tmp_path / "broken", []),
        "ODD": write_run(tmp_path / "odd", [], ceilings=[{"threads": 1, "bandwidth": [3]}]),
        "ODDER": write_run(tmp_path / "odder", [], canary="chirp"),
        "COLD": write_run(tmp_path / "cold", [cell("numpy-matmul", FIRST, [3e-3] * 9, cache="cold")]),
        "ELSEWHERE": write_run(tmp_path / "elsewhere", [], machine="another-4-89abcdef"),
    }
    (folders["BROKEN"] / "run.json").write_text('{"format": 1,\n', encoding="utf-8")
    try:
        code: object = main([str(folders.get(word, word)) for word in words])
    except SystemExit as ended:
        code = ended.code
    lines = capsys.readouterr().err.splitlines()
    assert (code, len(lines)) == (4, 1)
    assert said in lines[0]


def test_damaged_passes_are_a_note_and_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_run(tmp_path, [], passes=[{"wall_s": 1.0}, {"wall_s": "long"}])
    assert main([str(folder)]) == 0
    said = "run.json: passes[1].wall_s is 'long', not a positive finite number of seconds; all passes are left out"
    assert capsys.readouterr().err == f"note: {folder}: left out: {said}\n"


def test_a_damaged_run_is_passed_over_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = write_run(tmp_path, [], "2026-01-02T03-04-05Z")
    bad = write_run(tmp_path, [], "2026-01-03T03-04-05Z", canary=5)
    assert main(["--results", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{good / 'report' / 'index.html'}\n"
    assert captured.err.startswith(f"note: {bad / 'run.json'}: canary is 5, not an object")


@pytest.mark.parametrize("options", [[], ["--fail-on", "broken"], ["--fail-on", "slower"]])
def test_compare_finds_a_planted_regression_and_gates_nothing_by_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    before = [cell("a", one, noisy(1e-3, 1)) for one in (FIRST, SECOND)]
    after = [cell("a", FIRST, noisy(1e-3, 2)), cell("a", SECOND, noisy(1.1e-3, 3))]
    assert main(["compare", *two_runs(tmp_path, before, after), *options]) == 0
    out = capsys.readouterr().out
    assert f"slower: a {SECOND}" in out
    assert out.splitlines()[-1].startswith("not paired: ")
    assert ("--fail-on slower looked for lost results only" in out) is (options[-1:] == ["slower"])
    assert FIRST not in out


def test_compare_passes_noise_and_improvement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = [cell("a", one, noisy(1e-3, 1)) for one in (FIRST, SECOND)]
    after = [cell("a", FIRST, noisy(1e-3, 2)), cell("a", SECOND, noisy(0.8e-3, 3))]
    packages = {"packages": {"numpy": "2.1"}}
    assert main(["compare", *two_runs(tmp_path, before, after, environment=packages)]) == 0
    out = capsys.readouterr().out
    assert f"faster: a {SECOND}" in out
    assert "numpy: 2.0 before, 2.1 now" in out


def test_compare_across_rules_says_which_and_what_is_not_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = [cell("a", FIRST, [1e-3] * 9), cell("b", FIRST, [1e-3] * 9)]
    after = [cell("a", FIRST, [1e-3] * 9, cache="cold"), cell("c", FIRST, [1e-3] * 9, isolation="in-process")]
    after.append(cell("b", FIRST, [1e-3] * 9, isolation="in-process"))
    runs = two_runs(tmp_path, before, after)
    assert main(["compare", *runs, "--across-rules"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "note: measured by different rules: cache: hot before, cold and hot now; the change may be theirs",
        "note: measured by different rules: isolation: worker before, in-process and worker now; the change may be "
        "theirs",
        "note: cells only in the old run: 0; only in the new one: 1",
        "2 cells in both runs, 1 not compared, 1 unchanged",
        "not compared: 1 of the cells: timed in-process, where other backends' threads disturb",
        "not paired: the two runs took no turns in the same rounds, so no change of a time decides the exit code",
    ]


def test_compare_does_not_call_what_the_intervals_leave_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = [cell("a", FIRST, noisy(1e-3, 1, 0.06))], [cell("a", FIRST, noisy(1.03e-3, 2, 0.06))]
    assert main(["compare", *two_runs(tmp_path, before, after)]) == 0
    assert "1 unclear" in capsys.readouterr().out


@pytest.mark.parametrize(("rounds", "said"), [(3, "1 unclear"), (4, "1 slower")])
def test_compare_calls_nothing_from_three_rounds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rounds: int, said: str
) -> None:
    before, after = [cell("a", FIRST, [1e-3] * rounds)], [cell("a", FIRST, [2e-3] * rounds)]
    assert main(["compare", *two_runs(tmp_path, before, after)]) == 0
    assert said in capsys.readouterr().out


def test_compare_says_that_there_is_nothing_to_compare_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A gate of CI that compares two runs of other layers has shown nothing."""
    runs = two_runs(tmp_path, [cell("a", FIRST, noisy(1e-3))], [cell("a", SECOND, noisy(1e-3))])
    assert main(["compare", *runs]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "note: cells only in the old run: 1; only in the new one: 1",
        "nothing to compare: no backend was measured on the same problem and threads in both runs",
    ]


@pytest.mark.parametrize(("fail_on", "code"), [("nothing", 0), ("broken", 1), ("slower", 1)])
def test_compare_fails_on_a_lost_result_where_that_is_asked_for(tmp_path: Path, fail_on: str, code: int) -> None:
    before, after = [cell("a", FIRST, noisy(1e-3))], [cell("a", FIRST, status="wrong")]
    assert main(["compare", *two_runs(tmp_path, before, after), "--fail-on", fail_on]) == code


def test_splice_and_picture_are_repeatable(tmp_path: Path) -> None:
    cells = [cell(name, one, noisy(1e-3 * factor)) for one in (FIRST, SECOND) for name, factor in (("a", 1), ("b", 2))]
    run = write_run(tmp_path, cells)
    readme, picture = tmp_path / "README.md", tmp_path / "images" / "report.svg"
    readme.write_text("# Title\n<!-- report:begin -->\n<!-- report:end -->\n", encoding="utf-8")
    found = []
    for _ in range(2):
        assert main([str(run), "--splice", str(readme), "--picture", str(picture)]) == 0
        found.append((readme.read_bytes(), picture.read_bytes()))
    assert found[0] == found[1]
    assert b"| tinynet | 1 | **a** |" in found[0][0]


def test_the_document_gets_a_table_for_each_claim_and_the_run(tmp_path: Path) -> None:
    write_claims(tmp_path / "run", lines_of(CLEAN), DESCRIBED)
    document = tmp_path / "document.md"
    marks = "".join(
        f"# {name}\n<!-- claims:{name}:begin -->\nold\n<!-- claims:{name}:end -->\n" for name in ("run", 3, 4)
    )
    document.write_text(marks)
    assert main([str(tmp_path / "run"), "--claims", str(document)]) == 0
    text = document.read_text()
    assert "\nold\n" not in text
    assert "2.50× [2.50, 2.50]" in text.replace("**", "")  # noqa: RUF001  # the multiplication sign is meant
    assert "testbed-2-0123abcd/run" in text
    again = text
    assert main([str(tmp_path / "run"), "--claims", str(document)]) == 0
    assert document.read_text() == again


def test_a_document_without_a_place_is_one_line_and_a_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_claims(tmp_path / "run", lines_of(CLEAN), DESCRIBED)
    document = tmp_path / "document.md"
    document.write_text("nothing here")
    assert main([str(tmp_path / "run"), "--claims", str(document)]) == USAGE_ERROR
    assert "claims:run:begin" in capsys.readouterr().err
    assert document.read_text() == "nothing here"


def test_a_run_without_claims_has_none_to_splice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_claims(tmp_path / "run", b"", [])
    document = tmp_path / "document.md"
    document.write_text("")
    assert main([str(tmp_path / "run"), "--claims", str(document)]) == USAGE_ERROR
    assert "--shapes claims" in capsys.readouterr().err


# --- beyond any real run ------------------------------------------------------------------------------------------

CONTROLS = {"backend": "a", "threads": 1, "slower_by_percent": {"a-slower-by-3": 3}}


@pytest.mark.parametrize("name", ["run.json", "cells.jsonl", "controls.jsonl", "claims.jsonl"])
def test_a_file_of_a_run_that_is_a_terabyte_is_one_line(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_run(tmp_path, [cell("a", FIRST, [1e-3] * 9)], controls=CONTROLS)
    hollow(folder / name)
    assert main([str(folder)]) == USAGE_ERROR
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"pointwise-bench report: {folder / name}: cannot be read (it has 1,099,511,627,776 bytes, ")


@pytest.mark.parametrize("place", ["checkpoint.jsonl", "../calibration.json", "../models.json"])
def test_a_file_beside_the_cells_that_is_a_terabyte_is_said_and_the_report_made(
    tmp_path: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_run(tmp_path, [cell("a", FIRST, [1e-3] * 9)], finished_at=None)
    hollow(folder / place)
    with drawing(plots=False):
        assert main([str(folder)]) == 0
    capsys.readouterr()
    page = (folder / "report" / "index.html").read_text(encoding="utf-8")
    assert Path(place).name in page
    assert "1,099,511,627,776 bytes" in page


def fails_with(error: Exception) -> Callable[..., Any]:
    """A function that raises it, whatever it is given."""

    def fail(*arguments: Any, **named: Any) -> Any:
        raise error

    return fail


TOO_MUCH = {MemoryError: "the memory does not suffice", RecursionError: "is nested deeper than it can be read"}


@pytest.mark.parametrize("error", TOO_MUCH, ids=lambda one: str(one.__name__))
@pytest.mark.parametrize("words", [["RUN"], ["compare", "RUN", "RUN"]], ids=["report", "compare"])
@pytest.mark.parametrize("where", ["reading", "analysing"])
def test_what_is_too_much_for_the_machine_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: type[Exception],
    words: list[str],
    where: str,
) -> None:
    folder = str(write_run(tmp_path, [cell("a", FIRST, [1e-3] * 9)]))
    planted = {
        "reading": [(cells, "json_of_line")],
        "analysing": [(run_analysis, "analyse"), (regression, "compare_runs")],
    }
    for module, name in planted[where]:
        monkeypatch.setattr(module, name, fails_with(error()))
    assert main([folder if word == "RUN" else word for word in words]) == USAGE_ERROR
    (line,) = capsys.readouterr().err.splitlines()
    assert TOO_MUCH[error] in line
    assert line.startswith(f"pointwise-bench {'compare' if words[0] == 'compare' else 'report'}: ")
    assert (folder in line) is (where == "reading")
