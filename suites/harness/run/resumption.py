"""Which unfinished run a session may go on with, and why it may not: its samples would mean something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pointwise_bench.common.formats import RUN_FILE
from pointwise_bench.suites.harness.design.policy import POLICY, first_difference
from pointwise_bench.suites.harness.machine import environment
from pointwise_bench.suites.harness.machine.ceilings import Ceilings
from pointwise_bench.suites.harness.record.run_folder import (
    RunFolder,
    fault_of,
    is_finished,
    misplaced,
    oversized,
    too_large,
    unfinished_runs,
)
from pointwise_bench.suites.harness.record.tracked_runs import KEPT, kept_since
from pointwise_bench.suites.harness.record.typed_lines import fits
from pointwise_bench.suites.harness.run.options import BadOption

IS_THERE_AGAIN: Final = "is taken from the checkpoint or measured again"
"""What becomes of what a file held that cannot be used."""


def resumable(results: Path, announce: Callable[[str], None]) -> RunFolder:
    """The newest unfinished run of this machine that may be written to: what git keeps was recorded for others.

    ``BadOption`` where there is none. One that is too large to be looked at is named in any case: it may be meant.
    """
    machine = environment.machine()
    kept: list[str] = []
    for run_folder in unfinished_runs(results, machine):
        if (since := kept_since(run_folder.folder)) is None:
            for passed in _too_large_to_read(results, machine):
                announce(f"warning: {passed}")
            return run_folder
        kept.append(since)
    unread = (f"; {passed}" for passed in _too_large_to_read(results, machine))
    besides = "".join((*_not_changed(kept), *unread))
    raise BadOption(f"--resume: no unfinished run of this machine in {results}{besides}")


def _not_changed(kept: Sequence[str]) -> Iterator[str]:
    """That there are runs which are only read, and why; first what nobody expects."""
    if unsaid := [since for since in kept if since != KEPT]:
        yield f" but {len(kept)} that are not changed: {unsaid[0]}"
    elif kept:
        yield f" but {len(kept)} that git keeps, which are not changed"


def _too_large_to_read(results: Path, machine: str) -> Iterator[str]:
    """The first run that cannot be looked at since what tells of it is too large for any run."""
    for path in sorted((results / machine).glob(f"*/{RUN_FILE}")):
        if (fault := oversized(path)) is not None:
            yield f"{path} is passed over: {fault}"
            return


def check_resumable(run_folder: RunFolder, options: dict[str, Any]) -> None:
    """``BadOption`` that names why nobody can go on with the run, or not with these ``options``, rules and software.

    To be asked once the run is this process's alone.
    """
    if is_finished(run_folder):
        raise BadOption(f"--resume: {run_folder.folder} was finished by another process just now")
    if (odd := misplaced(run_folder.folder)) is not None:
        raise BadOption(f"--resume: {odd}: is not what a run has there, and neither followed nor waited for; remove it")
    if (large := too_large(run_folder.folder)) is not None:
        raise BadOption(f"--resume: {large}; remove it, and what it held {IS_THERE_AGAIN}")
    if (fault := _fault_of(run_folder.run)) is not None:
        raise BadOption(f"--resume: {run_folder.folder / RUN_FILE}: {fault}; without --resume a new run is begun")
    for name, old, new in _all_differences(run_folder.run, options):
        raise BadOption(f"--resume: {name} differs from the run in {run_folder.folder}: {old!r} there, {new!r} now")


def _all_differences(run: dict[str, Any], options: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    old = run["options"]
    # A resumed run may leave the seed out. A time budget decides how much is measured, not what a number means.
    yield from _differences("option", old, {"seed": old["seed"]} | options | {"time_budget_s": old["time_budget_s"]})
    yield from _policy_difference(run.get("policy"))
    yield from _differences("software", _software(run["environment"]), _software(environment.describe()))


def _fault_of(run: dict[str, Any]) -> str | None:
    """Why nobody can go on with the run, as :func:`fault_of`, its ceilings included."""
    if (fault := fault_of(run)) is not None:
        return fault
    return None if all(fits(each, Ceilings) for each in run["ceilings"]) else "ceilings cannot be read"


def _software(description: dict[str, Any]) -> dict[str, Any]:
    """What of an environment decides what a time means."""
    kept = ("python", "system", "processor", "affinity", "cpu_quota", "variables")
    return dict(description["packages"]) | {name: description.get(name) for name in kept}


def _policy_difference(old: Any) -> Iterator[tuple[str, Any, Any]]:
    """Where the policy of an unfinished run is another one than ours: its samples mean something else."""
    found = first_difference(old if isinstance(old, dict) else {}, POLICY.written())
    if found is not None:
        name, *values = found
        yield f"policy {name}", values[0], values[1]


def _differences(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield f"{kind} {name}", old.get(name), new.get(name)
