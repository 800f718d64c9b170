"""Circular garbage is searched for seldom, and as before once the work is done or has failed."""

from __future__ import annotations

import gc

import pytest

from pointwise_bench.common.garbage import seldom_searched


def searches_while(made: int) -> int:
    """How often Python searches while so many objects are made and kept."""
    before = sum(one["collections"] for one in gc.get_stats())
    kept = [[number] for number in range(made)]
    found = sum(one["collections"] for one in gc.get_stats()) - before
    return found if kept else 0


def test_what_is_made_and_kept_is_hardly_looked_at() -> None:
    assert searches_while(50_000) > 10
    with seldom_searched():
        assert searches_while(50_000) <= 1
    assert searches_while(50_000) > 10


def test_after_an_error_it_is_as_before() -> None:
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="of the work"), seldom_searched():
        raise ValueError("of the work")
    assert gc.get_threshold() == before
