"""What is said of an option that ``pointwise-bench run`` does not have, and what its help shows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pointwise_bench.run_options import OptionsCheck, help_parser, unknown_option


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("--shape", "--shapes"),
        ("--tim-budget", "--time-budget"),
        ("--thread", "--threads"),
        ("--modle", "--model"),
        ("-backend", "--backend"),
    ],
)
def test_the_nearest_is_named(given: str, meant: str) -> None:
    assert f"no option {given}, the nearest is {meant};" in unknown_option(given)


def test_where_none_is_near_none_is_named() -> None:
    assert unknown_option("--nonsense") == "there is no option --nonsense; see pointwise-bench run --help"


def checked(unknown: list[str]) -> None:
    parser: Any = SimpleNamespace(parse_known_and_unknown_args=lambda args: (None, unknown))
    OptionsCheck().pytest_load_initial_conftests(parser, [])


def test_only_options_are_looked_at_and_a_value_is_not_repeated() -> None:
    checked([])
    checked(["basics"])  # pytest says of a file that it is not there
    with pytest.raises(pytest.UsageError, match="no option --zzz;") as caught:
        checked(["basics", "--zzz=word"])
    assert "word" not in str(caught.value)


def test_the_help_has_the_options_of_the_suites_and_those_of_models() -> None:
    said = help_parser().format_help()
    assert all(option in said for option in ("--time-budget", "--shapes", "--model", "--benchmark-json"))
