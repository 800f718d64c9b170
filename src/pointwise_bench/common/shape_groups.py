"""Which groups of the catalogue have a total: a run spends its time by that, and the report adds up by it."""

from __future__ import annotations

from typing import Final

CENSUS: Final = "census"
"""The group that stands for the layers of many models; a sum over it is the time of all of them."""

MUSEUM: Final = "museum"
"""The group of layers that were reported slow or wrong."""

COLLECTIONS: Final = ("basics", "claims", MUSEUM)
"""Groups whose shapes were picked one by one: a sum over them is the time of nothing."""

SWEEP_PREFIX: Final = "sweep-"
"""Begins the name of a group in which one axis varies."""


def is_sweep(group: str) -> bool:
    """Whether one axis varies and a plot says more than a sum."""
    return group.startswith(SWEEP_PREFIX)


def has_total(group: str) -> bool:
    """Whether a sum over the group's layers is the time of something."""
    return not is_sweep(group) and group not in COLLECTIONS
