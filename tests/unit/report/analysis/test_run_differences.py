"""What is said of two runs before their times are compared: rules, machine, software, and what is not known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from make_run import cell, run_of

from pointwise_bench.common.formats import rules_of
from pointwise_bench.report.analysis.run_differences import different_rules, notes
from pointwise_bench.report.reading.run import Run
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.machine.environment import describe

PROBLEM = "n1c64h28w28-o128"
PROJECT = {"version": "1.2.3", "revision": "0123abc", "clean": True}
MACHINES = "different machines: testbed-2-0123abcd and another-4-89abcdef; the change may be theirs"


def pair(folder: Path, before: dict[str, Any], after: dict[str, Any], **shared: Any) -> tuple[Run, Run]:
    """Two runs with one cell; ``before`` and ``after`` are keys of their run.json."""
    cells = [cell("a", PROBLEM, [1e-3] * 9)]
    return run_of(folder / "old", cells, **shared | before), run_of(folder / "new", cells, **shared | after)


# --- rules --------------------------------------------------------------------------------------------------------


def test_the_same_rules_differ_in_nothing(tmp_path: Path) -> None:
    old, new = pair(tmp_path, {}, {}, policy=POLICY.written())
    assert different_rules(old, new) == []
    assert notes(old, new) == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"cache": "hot"}, {"cache": "cold"}, "cache: hot before, cold now"),
        ({"isolation": "worker"}, {"isolation": "in-process"}, "isolation: worker before, in-process now"),
    ],
)
def test_what_the_cells_were_measured_under_is_a_rule(
    tmp_path: Path, before: dict[str, Any], after: dict[str, Any], said: str
) -> None:
    old, new = (
        run_of(tmp_path / name, [cell("a", PROBLEM, [1e-3] * 9, **keys), cell("b", PROBLEM)])
        for name, keys in (("old", before), ("new", after))
    )
    assert different_rules(old, new) == [said]


def test_every_field_of_the_policy_is_a_rule_but_those_of_planning_which_are_told(tmp_path: Path) -> None:
    rules = rules_of(POLICY.written())
    for number, (group, values) in enumerate(POLICY.written().items()):
        for name, value in values.items():
            changed = POLICY.written()
            changed[group][name] = value + 1
            folder = tmp_path / f"{number}-{name}"
            old, new = pair(folder, {"policy": POLICY.written()}, {"policy": changed})
            said = f"policy {group}.{name}: {value} before, {value + 1} now"
            if name in rules.get(group, {}):
                assert (different_rules(old, new), notes(old, new)) == ([said], [])
            else:
                assert (different_rules(old, new), notes(old, new)) == ([], [f"planned otherwise: {said}"])


def test_a_policy_with_fields_that_the_other_lacks_is_another(tmp_path: Path) -> None:
    old, new = pair(tmp_path, {"policy": {"gate": {"a": 1}}}, {"policy": {"gate": {"a": 1, "b": 2}, "limit": 3}})
    assert different_rules(old, new) == [
        "policy gate.b: absent before, 2 now",
        "policy limit.value: absent before, 3 now",
    ]


def test_many_changes_of_the_policy_are_counted(tmp_path: Path) -> None:
    policies = [{"policy": {"gate": {f"field{number}": value for number in range(9)}}} for value in (1, 2)]
    found = different_rules(*pair(tmp_path, *policies))
    assert len(found) == 6
    assert found[-1] == "4 more fields of the policy"


def test_another_version_is_another_rule_and_another_revision_a_note(tmp_path: Path) -> None:
    version = pair(tmp_path / "version", {"project": PROJECT}, {"project": PROJECT | {"version": "1.3.0"}})
    assert different_rules(*version) == ["pointwise-bench: 1.2.3 before, 1.3.0 now"]
    revision = pair(tmp_path / "revision", {"project": PROJECT}, {"project": PROJECT | {"revision": "89abcde"}})
    assert different_rules(*revision) == []
    assert notes(*revision) == ["revision: 0123abc before, 89abcde now"]


def test_what_a_run_does_not_record_is_no_difference_but_a_note(tmp_path: Path) -> None:
    old, new = pair(tmp_path, {"policy": None, "project": None, "environment": None}, {})
    assert different_rules(old, new) == []
    assert notes(old, new) == [
        "the old run does not record its policy: whether both were measured by the same rules is not known",
        "the old run does not record its environment: what changed there is not known",
    ]


# --- notes --------------------------------------------------------------------------------------------------------


def changed(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, dict):
        return {name: changed(one) for name, one in value.items()} | {"added": "1"}
    return f"{value} once more" if isinstance(value, str | None) else value + 1


STEADY = {"packages": {"numpy": "2.0"}, "variables": {"OMP_NUM_THREADS": "2"}, "cache_bytes": {"L1": 32768}}
NEVER_NOTED = {"load", "steal_s", "warnings", "memory_bytes"}


@pytest.mark.parametrize("key", sorted(describe()))
def test_every_fact_of_the_environment_is_noted_when_it_changes(tmp_path: Path, key: str) -> None:
    """All that a run writes of it; of the moment are the load, the stolen time and the warnings."""
    before = describe() | STEADY
    if key in NEVER_NOTED:
        before[key] = [1.0] if key == "load" else ["a warning"] if key == "warnings" else 1
        after = before | {key: [2.0] if key == "load" else [] if key == "warnings" else 2}
    else:
        after = before | {key: changed(before[key])}
    found = notes(*pair(tmp_path, {"environment": before}, {"environment": after}))
    assert bool(found) is (key not in NEVER_NOTED)


@pytest.mark.parametrize(
    ("key", "before", "after", "said"),
    [
        ("system", "Linux 6.1", "Linux 6.6", ["system: Linux 6.1 before, Linux 6.6 now"]),
        ("governor", None, "powersave", ["governor: unknown before, powersave now"]),
        ("huge_pages", "[always] never", "always [never]", ["huge pages: [always] never before, always [never] now"]),
        ("cache_bytes", {"L1": 1, "L2": 4}, {"L1": 1, "L2": 8}, ["cache bytes L2: 4 before, 8 now"]),
        ("variables", {}, {"OMP_NUM_THREADS": "2"}, ["OMP_NUM_THREADS: absent before, 2 now"]),
        ("packages", {"jax": "1", "numpy": "2.0"}, {"numpy": "2.1"}, [
            "jax: 1 before, absent now", "numpy: 2.0 before, 2.1 now",
        ]),
    ],
)  # fmt: skip
def test_a_fact_is_noted_with_both_values(tmp_path: Path, key: str, before: Any, after: Any, said: list[str]) -> None:
    shared = {"processor": "testbed"}
    found = notes(*pair(tmp_path, {"environment": shared | {key: before}}, {"environment": shared | {key: after}}))
    assert found == said


def test_two_machines_are_noted(tmp_path: Path) -> None:
    assert notes(*pair(tmp_path, {}, {"machine": "another-4-89abcdef"})) == [MACHINES]


def test_code_that_differs_from_its_revision_and_an_unstable_machine_are_noted(tmp_path: Path) -> None:
    unclean = {"project": PROJECT | {"clean": False}}
    stolen = {"passes": [{"wall_s": 100.0, "steal_s": 2.1}]}
    assert notes(*pair(tmp_path, stolen, unclean)) == [
        "the new run was measured by code that differs from its revision",
        "the old run's machine was unstable: 2.1% of the time stolen by other machines",
    ]


def test_what_ran_and_the_libraries_are_noted_once_for_all_workers_that_saw_the_change(tmp_path: Path) -> None:
    old = {
        "ran": {"a, 1 thread": "driver 1", "b, 1 thread": "driver 1", "c, 1 thread": "same", "d, 1 thread": "gone"},
        "libraries": {"a, 1 thread": [{"internal_api": "openblas", "architecture": "Haswell"}]},
    }
    new = {
        "ran": {"a, 1 thread": "driver 2", "b, 1 thread": "driver 2", "c, 1 thread": "same"},
        "libraries": {"a, 1 thread": [{"internal_api": "openblas", "architecture": "SkylakeX"}]},
    }
    assert notes(*pair(tmp_path, old, new)) == [
        "what ran: driver 1 before, driver 2 now (a, 1 thread and 1 more)",
        "libraries loaded: internal_api openblas, architecture Haswell before, "
        "internal_api openblas, architecture SkylakeX now (a, 1 thread)",
    ]


@pytest.mark.parametrize("odd", [5, "x", [1], {"a": [[[[[[[[[[1]]]]]]]]]]}], ids=repr)
def test_libraries_that_cannot_be_read_are_passed_over(tmp_path: Path, odd: Any) -> None:
    assert notes(*pair(tmp_path, {"libraries": odd}, {"libraries": {"a": []}})) == []
