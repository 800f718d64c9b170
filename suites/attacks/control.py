"""Tries nothing: the honest control, whose times the attacks would have to beat."""

from __future__ import annotations

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest


@register
class Control(Honest):
    """Nothing is wrong with this one."""

    name = "attack-control"
