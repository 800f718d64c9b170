"""Values of options: what is read, and what is refused by name."""

from __future__ import annotations

import pytest

from pointwise_bench.suites.harness.run.options import BadOption, matching, parse_duration, parse_threads


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90.0), ("10m", 600.0), ("1.5h", 5400.0), ("500ms", 0.5), ("7", 7.0), ("0.25", 0.25), (" 3s ", 3.0)],
)
def test_durations_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    ["", "abc", "-1s", "0", "0s", "0.0m", "1d", "1e3", "inf", "nan", "s", "1 s", "1,5h", "1h30m", "1s\n2", ".5s"],
)
def test_a_bad_duration_is_refused_by_value_with_a_remedy(text: str) -> None:
    with pytest.raises(BadOption) as caught:
        parse_duration(text)
    assert repr(text) in str(caught.value)
    assert "90s" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("text", "threads"), [("1", 1), ("2", 2), ("4", 4)])
def test_thread_budgets_up_to_the_cores(text: str, threads: int) -> None:
    assert parse_threads(text, cores=4) == threads


@pytest.mark.parametrize("text", ["0", "5", "-1", "two", "1.5", "", "1 2", "\N{SUPERSCRIPT TWO}", "all"])
def test_a_bad_thread_budget_is_refused_by_value_with_the_range(text: str) -> None:
    with pytest.raises(BadOption) as caught:
        parse_threads(text, cores=4)
    assert repr(text) in str(caught.value)
    assert "1 to 4" in str(caught.value)


def test_patterns_select_names_in_their_own_order() -> None:
    names = ["naive-loops", "numba-parallel", "numpy-matmul"]
    assert matching(names, []) == names
    assert matching(names, ["nu*"]) == ["numba-parallel", "numpy-matmul"]
    assert matching(names, ["numpy-matmul", "na*"]) == ["naive-loops", "numpy-matmul"]
    assert matching(names, ["NUMPY*"]) == []
