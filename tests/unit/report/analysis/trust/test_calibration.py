"""What verdicts are worth on a machine: the rates that ``pointwise-bench calibrate`` leaves beside its runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from make_run import run_of
from no_plain_files import NO_PLAIN_FILES, hollow

from pointwise_bench.common.formats import CALIBRATION_FILE
from pointwise_bench.report.analysis.trust.calibration import Rates, calibration

SAME = {"pairs": 200, "same": 190, "undecided": 6, "called_different": 4}
SLOWER = {"pairs": 80, "same": 10, "undecided": 30, "found": 40, "wrong_sign": 1}
CONDITION = {
    "threads": 1,
    "load": "one-core-busy",
    "problems": 20,
    "same": SAME,
    "slower": [SLOWER | {"percent": 3}, SLOWER | {"percent": 10, "found": 80, "wrong_sign": 2}],
}


def rates(folder: Path, content: Any) -> tuple[list[Rates], str]:
    """The rates of a run beside whose folder the file holds ``content``; text is written as it is."""
    run = run_of(folder, [])
    text = content if isinstance(content, str) else json.dumps(content)
    (run.folder.parent / CALIBRATION_FILE).write_text(text, encoding="utf-8")
    return calibration(run)


def test_counts_become_shares(tmp_path: Path) -> None:
    found, absent = rates(tmp_path, {"format": 1, "conditions": [CONDITION, CONDITION | {"threads": 2, "slower": []}]})
    assert absent == ""
    assert found == [
        Rates("1 thread, one core busy", "4 of 200 (2 %)", {3: "40 of 80 (50 %)", 10: "80 of 80 (100 %)"}, 3),
        Rates("2 threads, one core busy", "4 of 200 (2 %)", {}, 0),
    ]


def test_no_pairs_are_no_share(tmp_path: Path) -> None:
    nothing = CONDITION | {"same": {"pairs": 0, "called_different": 0}, "slower": []}
    ((row,), _) = rates(tmp_path, {"format": 1, "conditions": [nothing]})
    assert row.false_alarms == "none"


def test_a_machine_that_was_not_calibrated_says_so_and_how(tmp_path: Path) -> None:
    found, absent = calibration(run_of(tmp_path, []))
    assert found == []
    assert "has not been measured; 'pointwise-bench calibrate' measures it" in absent


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "Expecting property name"),
        ("[]", "is [], not an object"),
        ({"format": 2}, "format is 2, not a whole number from 1 to 1"),
        ({"format": 1, "conditions": [{"threads": 1}]}, "conditions[0].load is missing"),
        ({"format": 1, "conditions": [CONDITION | {"same": {"pairs": 5}}]}, "conditions[0].same.called_different"),
        ({"format": 1, "conditions": [CONDITION | {"threads": -1}]}, "conditions[0].threads is -1"),
        ("[" * 100_000, "cannot be used"),
    ],
)
def test_a_damaged_file_is_one_sentence(tmp_path: Path, content: Any, said: str) -> None:
    found, absent = rates(tmp_path, content)
    assert found == []
    assert absent.startswith(f"{CALIBRATION_FILE} beside the run cannot be used (")
    assert said in absent
    assert "\n" not in absent


def test_a_file_of_a_terabyte_and_one_that_is_no_plain_file_are_not_read(tmp_path: Path) -> None:
    run = run_of(tmp_path, [])
    path = run.folder.parent / CALIBRATION_FILE
    hollow(path)
    (_, absent) = calibration(run)
    assert "(cannot be read (it has 1,099,511,627,776 bytes" in absent
    assert "remove the run" not in absent  # which is sound
    for plant in NO_PLAIN_FILES.values():
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        plant(path)
        found, absent = calibration(run)
        assert found == []
        assert absent.startswith(f"{CALIBRATION_FILE} beside the run cannot be used (cannot be read (")
