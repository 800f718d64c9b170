"""The costs of backends beside the runs of a machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from no_plain_files import NO_PLAIN_FILES, hollow

from pointwise_bench.suites.harness.design.costs import Costs
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.record.costs_file import COSTS_FILE, load, save

ONE = Costs(1.0, 2.0, 0.1, 0.2, 3e9, 1.0, 7)


def test_what_is_saved_is_loaded_beside_what_was_there(tmp_path: Path) -> None:
    save(tmp_path, {("a", 1): ONE}, 0.8)
    save(tmp_path, {("b", 2): ONE}, 0.9)
    assert load(tmp_path) == ({("a", 1): ONE, ("b", 2): ONE}, 0.9)
    assert [path.name for path in tmp_path.iterdir()] == [COSTS_FILE]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": 99, "costs": []}', '{"format": 1}', "[" * 5000])
def test_a_damaged_file_is_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / COSTS_FILE).write_text(text)
    assert load(tmp_path) == ({}, POLICY.costs.took_of_foreseen)
    save(tmp_path, {("a", 1): ONE}, 0.8)
    assert load(tmp_path) == ({("a", 1): ONE}, 0.8)


@pytest.mark.parametrize("kind", NO_PLAIN_FILES)
def test_what_is_no_plain_file_is_as_none_and_not_waited_for(tmp_path: Path, kind: str) -> None:
    NO_PLAIN_FILES[kind](tmp_path / COSTS_FILE)
    assert load(tmp_path) == ({}, POLICY.costs.took_of_foreseen)


def test_one_of_a_terabyte_is_as_none_and_is_replaced(tmp_path: Path) -> None:
    hollow(tmp_path / COSTS_FILE)
    assert load(tmp_path) == ({}, POLICY.costs.took_of_foreseen)
    save(tmp_path, {("a", 1): ONE}, 0.8)
    assert load(tmp_path) == ({("a", 1): ONE}, 0.8)
