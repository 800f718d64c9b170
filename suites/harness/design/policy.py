"""Every constant of measuring, with its unit and its reason, in one object that a run records in ``run.json``.

Two runs that were measured by different rules are told apart by it. Its groups stand in ``policies/``.

What runs beside a plugin's code, in a worker, binds the values that it needs to names of its own module before any
plugin is loaded: a frozen dataclass can still be changed by ``object.__setattr__``. Everybody else reads
:data:`POLICY` when the value is needed. A test replaces the object in the module that it is about, or in this one
before the rest of the harness is imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from pointwise_bench.suites.harness.design.policies.judging import GatePolicy, VerdictPolicy
from pointwise_bench.suites.harness.design.policies.planning import (
    BudgetPolicy,
    ClaimsPolicy,
    ControlsPolicy,
    CostsPolicy,
    GivingUpPolicy,
    RoundsPolicy,
    ScreeningPolicy,
    SequencePolicy,
)
from pointwise_bench.suites.harness.design.policies.timing import (
    CeilingsPolicy,
    NearnessPolicy,
    PropertiesPolicy,
    TimingPolicy,
)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """All of them."""

    rounds: RoundsPolicy = field(default_factory=RoundsPolicy)
    budget: BudgetPolicy = field(default_factory=BudgetPolicy)
    screening: ScreeningPolicy = field(default_factory=ScreeningPolicy)
    controls: ControlsPolicy = field(default_factory=ControlsPolicy)
    costs: CostsPolicy = field(default_factory=CostsPolicy)
    timing: TimingPolicy = field(default_factory=TimingPolicy)
    nearness: NearnessPolicy = field(default_factory=NearnessPolicy)
    ceilings: CeilingsPolicy = field(default_factory=CeilingsPolicy)
    acceptance: GivingUpPolicy = field(default_factory=GivingUpPolicy)
    gate: GatePolicy = field(default_factory=GatePolicy)
    properties: PropertiesPolicy = field(default_factory=PropertiesPolicy)
    claims: ClaimsPolicy = field(default_factory=ClaimsPolicy)
    sequence: SequencePolicy = field(default_factory=SequencePolicy)
    verdict: VerdictPolicy = field(default_factory=VerdictPolicy)

    def written(self) -> dict[str, dict[str, Any]]:
        """As plain values by group and field, for ``run.json``."""
        return asdict(self)


def first_difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, Any, Any] | None:
    """The first of :func:`differences`; None where two written policies are alike."""
    return next(iter(differences(old, new)), None)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """The name of each field in which two written policies differ, with both values, in the order of the new one.

    Either may be of another version, and lack groups or fields of the other: their value is None there.
    """
    mine, its = dict(_flat(old)), dict(_flat(new))
    names = dict.fromkeys((*its, *mine))
    return [(name, mine.get(name), its.get(name)) for name in names if mine.get(name) != its.get(name)]


def _flat(written: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for group, values in written.items():
        if isinstance(values, Mapping):
            yield from ((f"{group}.{name}", value) for name, value in values.items())
        else:
            yield group, values


POLICY: Final = Policy()
