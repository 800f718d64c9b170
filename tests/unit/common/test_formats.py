"""What writers and readers of a run agree on, where one value must fit another."""

from __future__ import annotations

from pathlib import Path

import pytest

from pointwise_bench.common import formats
from pointwise_bench.suites.harness.design.policy import POLICY


def test_the_rounds_of_two_passes_never_have_one_number() -> None:
    assert max(POLICY.rounds.most, POLICY.rounds.usual, POLICY.claims.most_rounds) < formats.ROUNDS_APART


def test_a_command_of_ours_ends_a_bad_usage_as_pytest_does() -> None:
    assert int(pytest.ExitCode.USAGE_ERROR) == formats.USAGE_ERROR


def test_files_of_a_run_have_names_of_their_own() -> None:
    names = [value for name, value in vars(formats).items() if name.endswith("_FILE")]
    assert len(names) == len(set(names)) >= 5
    assert all(Path(name).name == name for name in names)
