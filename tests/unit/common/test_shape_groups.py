"""Which groups add up."""

from __future__ import annotations

import pytest

from pointwise_bench.common.shape_groups import has_total, is_sweep
from pointwise_bench.suites.catalogue import load


@pytest.mark.parametrize(("group", "total", "sweep"), [("basics", False, False), ("claims", False, False),
    ("museum", False, False), ("census", True, False), ("sweep-batch", False, True), ("googlenet", True, False),
    ("my layers", True, False)])  # fmt: skip
def test_networks_and_a_users_own_layers_add_up(group: str, total: bool, sweep: bool) -> None:
    assert (has_total(group), is_sweep(group)) == (total, sweep)


def test_it_is_what_the_catalogue_says_of_its_groups() -> None:
    for group in load():
        assert has_total(group.name) == (group.kind == "network"), group.name
        assert is_sweep(group.name) == (group.kind == "sweep"), group.name
