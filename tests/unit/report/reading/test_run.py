"""A run read from its folder: what it says of itself, and which of many is the newest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from corruptions import MUST_SAY
from make_claims import CLEAN, DESCRIBED, lines_of, write_claims
from make_run import cell, run_of, write_run

from pointwise_bench.common.formats import RUN_FORMAT
from pointwise_bench.report.reading.errors import ReportError
from pointwise_bench.report.reading.run import load_run, newest_run

PROBLEM = "n1c8h4w4-o8"
FIRST, SECOND, THIRD = "2026-01-02T03-04-05Z", "2026-01-03T03-04-05Z", "2026-01-04T03-04-05Z"


# --- one run ------------------------------------------------------------------------------------------------------


def test_a_run_is_named_by_its_folder_and_by_what_it_says(tmp_path: Path) -> None:
    folder = write_run(tmp_path, [cell("b", PROBLEM, [1.0]), cell("a", PROBLEM, status="wrong")], FIRST)
    run = load_run(folder)
    assert (run.machine, run.name, run.started_at) == ("testbed-2-0123abcd", FIRST, "2026-01-02T03:04:05Z")
    assert run.backends == ["a", "b"]
    assert run.settings["options"] == {"seed": 1}
    assert run.defects == ()


def test_a_run_that_does_not_say_its_machine_is_of_its_folders(tmp_path: Path) -> None:
    folder = write_run(tmp_path, [], FIRST)
    text = (folder / "run.json").read_text(encoding="utf-8")
    (folder / "run.json").write_text(text.replace('"machine": "testbed-2-0123abcd", ', ""), encoding="utf-8")
    assert load_run(folder).machine == "testbed-2-0123abcd"
    assert load_run(folder / ".." / FIRST).name == FIRST


def test_loading_leaves_out_and_names_what_cannot_be_used(tmp_path: Path) -> None:
    folder = write_run(tmp_path, [], passes=[{"wall_s": 0}], claims=5)
    (folder / "cells.jsonl").write_text("torn\n", encoding="utf-8")
    (folder / "claims.jsonl").write_text("torn\n", encoding="utf-8")
    run = load_run(folder)
    assert [one.partition(": ")[0] for one in run.defects] == [
        "run.json",
        "line 1",
        "run.json",
        "claims.jsonl, line 1",
    ]
    assert run.defects[0].endswith("; all passes are left out")
    assert run.settings["passes"] == []


def test_passes_are_read(tmp_path: Path) -> None:
    run = run_of(tmp_path, [], passes=[{"wall_s": 2, "steal_s": 0.5, "news": 1}, {}])
    assert run.settings["passes"] == [{"wall_s": 2.0, "steal_s": 0.5}, {"wall_s": None, "steal_s": None}]


APART = {"turns": 900, "again": 3, "spent_s": 0.25}


def test_how_often_cores_were_apart_is_read_where_it_is_told(tmp_path: Path) -> None:
    run = run_of(tmp_path / "told", [], core_distance=APART | {"hop_s": None, "news": 1})
    assert (run.settings["core_distance"], run.defects) == (APART, ())
    run = run_of(tmp_path / "not", [])
    assert (run.settings["core_distance"], run.defects) == (None, ())


@pytest.mark.parametrize("value", MUST_SAY["core_distance"], ids=str)
def test_of_a_damaged_distance_nothing_is_told_but_that_it_is_left_out(tmp_path: Path, value: Any) -> None:
    run = run_of(tmp_path, [cell("a", PROBLEM, [1.0])], core_distance=value)
    assert (run.settings["core_distance"], run.backends) == (None, ["a"])
    (defect,) = run.defects
    assert defect.startswith("run.json: core_distance")
    assert defect.endswith("; it is left out")


PASSES = {"group": "net", "threads": 2, "backend": "a", "alone_s": [1e-3, 1.1e-3], "sequence_s": [1.5e-3, 1.6e-3]}


def test_passes_over_layers_are_read_and_a_run_without_them_has_none(tmp_path: Path) -> None:
    run = run_of(tmp_path / "some", [], in_sequence=[PASSES | {"news": 1}])
    assert run.settings["in_sequence"] == [PASSES]
    without: list[dict[str, Any]] = [{}, {"in_sequence": None}, {"in_sequence": []}]
    for number, none in enumerate(without):
        run = run_of(tmp_path / str(number), [], **none)
        assert (run.settings["in_sequence"], run.defects) == ([], ())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"group": 5}, "in_sequence[0].group"),
        ({"backend": "x" * 201}, "in_sequence[0].backend"),
        ({"threads": 0}, "in_sequence[0].threads"),
        ({"alone_s": [1e-3, 0.0]}, "in_sequence[0].alone_s[1]"),
        ({"sequence_s": [1e-3, float("nan")]}, "in_sequence[0].sequence_s[1]"),
        ({"sequence_s": [1e-3, 10**400]}, "in_sequence[0].sequence_s[1]"),
        ({"sequence_s": [1e-3]}, "in_sequence[0].sequence_s has 1 entry, but alone_s has 2"),
        ({"alone_s": "x"}, "in_sequence[0].alone_s"),
    ],
    ids=str,
)
def test_damaged_passes_over_layers_are_left_out_and_named(tmp_path: Path, changed: Any, said: str) -> None:
    run = run_of(tmp_path, [cell("a", PROBLEM, [1.0])], in_sequence=[PASSES | changed])
    assert run.settings["in_sequence"] == []
    (defect,) = run.defects
    assert defect.startswith(f"run.json: {said}")
    assert defect.endswith("; all passes are left out")
    assert run.backends == ["a"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "run.json: not JSON that can be read"),
        ("[]", "run.json: is [], not an object"),
        ("{}", "run.json: format is None, not a whole number of at least 1"),
        ('{"format": true}', "run.json: format is True"),
        ('{"format": 0}', "run.json: format is 0"),
        (f'{{"format": {RUN_FORMAT}, "canary": 5}}', "run.json: canary is 5, not an object; restore the file"),
    ],
)
def test_a_run_whose_settings_cannot_be_read_is_refused(tmp_path: Path, content: str, said: str) -> None:
    folder = write_run(tmp_path, [])
    (folder / "run.json").write_text(content, encoding="utf-8")
    with pytest.raises(ReportError) as caught:
        load_run(folder)
    assert said in str(caught.value)


def test_the_title_of_a_model_may_be_any_text_and_is_made_visible(tmp_path: Path) -> None:
    """As a reason is, and it is as short as a name: a long one had cost all of a run that a stranger contributes."""
    titles = {"long": "x" * 10_000, "wild": "a\n\u202eb\0", "empty": ""}
    run = run_of(
        tmp_path,
        [cell("a", PROBLEM, [1e-3])],
        models={group: {"title": title, "multiply_adds": 1000} for group, title in titles.items()},
    )
    assert [model["title"] for model in run.settings["models"].values()] == [
        f"{'x' * 200}...",
        "a \\u202eb\\x00",
        "",
    ]
    assert (len(run.cells), run.defects) == (1, ())


def test_a_newer_format_is_said_before_anything_else_of_it_is_looked_at(tmp_path: Path) -> None:
    folder = write_run(tmp_path, [], format=RUN_FORMAT + 1, canary="of another kind")
    with pytest.raises(
        ReportError, match=rf"has format {RUN_FORMAT + 1}, newer than {RUN_FORMAT}.*update pointwise-bench"
    ):
        load_run(folder)


def test_a_folder_that_is_none_or_holds_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="absent: no such run folder"):
        load_run(tmp_path / "absent")
    with pytest.raises(ReportError, match=r"holds no run\.json; name a run folder"):
        load_run(tmp_path)


# --- the newest of many -------------------------------------------------------------------------------------------


def test_the_newest_run_is_the_one_that_started_last_whatever_its_machine_and_name(tmp_path: Path) -> None:
    write_run(tmp_path, [], SECOND)
    newest = write_run(tmp_path, [], FIRST, machine="another-4-89abcdef", started_at="2026-02-01T00:00:00Z")
    write_run(tmp_path, [], THIRD, machine="zebra-4-89abcdef")
    assert newest_run(tmp_path) == (newest, [])


def test_the_newest_run_of_a_machine_is_none_of_anothers(tmp_path: Path) -> None:
    own = write_run(tmp_path, [], FIRST)
    write_run(tmp_path, [], SECOND, machine="another-4-89abcdef")
    assert newest_run(tmp_path, "testbed-2-0123abcd") == (own, [])


def test_a_run_that_does_not_say_its_machine_is_of_its_folder_there_too(tmp_path: Path) -> None:
    own = write_run(tmp_path, [], FIRST)
    (own / "run.json").write_text((own / "run.json").read_text().replace('"machine"', '"was"'), encoding="utf-8")
    assert newest_run(tmp_path, "testbed-2-0123abcd") == (own, [])


def test_where_all_runs_are_of_others_they_are_named_in_one_line(tmp_path: Path) -> None:
    """In a fresh clone: silently showing somebody else's run would answer for a machine that the reader has not."""
    for number in range(8):
        write_run(tmp_path, [], FIRST, machine=f"another-{number}-89abcdef")
    with pytest.raises(ReportError) as caught:
        newest_run(tmp_path, "mine-2-0123abcd")
    said = str(caught.value)
    assert "holds no run of this machine (mine-2-0123abcd); make one with 'pointwise-bench run" in said
    assert f"or name one: {tmp_path / 'another-0-89abcdef' / FIRST}, " in said
    assert said.endswith(" and 2 more")
    assert "\n" not in said


def test_damaged_runs_are_passed_over_and_named(tmp_path: Path) -> None:
    good = write_run(tmp_path, [], FIRST)
    broken: dict[str, Any] = {SECOND: {"canary": 5}, THIRD: {"format": 99}}
    for name, changed in broken.items():
        write_run(tmp_path, [], name, **changed)
    folder, said = newest_run(tmp_path)
    assert folder == good
    assert [one.endswith("(passed over in looking for the newest run)") for one in said] == [True, True]
    assert SECOND in said[0]
    assert THIRD in said[1]


def test_where_every_run_is_damaged_the_first_is_the_reason(tmp_path: Path) -> None:
    write_run(tmp_path, [], FIRST, canary=5)
    with pytest.raises(ReportError, match="canary is 5"):
        newest_run(tmp_path)


def test_where_there_is_no_run_it_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"absent: no such folder of results; make one"):
        newest_run(tmp_path / "absent")
    with pytest.raises(ReportError, match=r"holds no run \(<machine>/<UTC time>/run\.json\); make one"):
        newest_run(tmp_path)


# --- loading computes nothing -------------------------------------------------------------------------------------

LOADS = """
import sys
from pathlib import Path

from pointwise_bench.report.reading.run import load_run

run = load_run(Path(sys.argv[1]))
print(len(run.cells), len(run.claims.results))
print(*sys.modules)
"""


def test_loading_a_run_computes_no_verdict_and_imports_no_table_and_no_plot(tmp_path: Path) -> None:
    """In a process of its own: who decides a verdict or a gain was never imported, so none can have been decided."""
    folder = write_claims(tmp_path / "run", lines_of(CLEAN), DESCRIBED)
    command = [sys.executable, "-c", LOADS, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    counts, modules = done.stdout.splitlines()
    cells, results = map(int, counts.split())
    assert cells > 3
    assert results == len(CLEAN)
    imported = set(modules.split())
    assert not {"pandas", "matplotlib", "jinja2"} & imported
    rooms = {name.split(".")[2] for name in imported if name.startswith("pointwise_bench.report.")}
    assert rooms == {"reading"}
