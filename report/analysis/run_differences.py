"""What differs between two runs beside their times: the rules they were measured by, the machine, and the software."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pointwise_bench.common.formats import rules_of
from pointwise_bench.report.analysis.trust.health import unstable
from pointwise_bench.report.analysis.wording import plainly
from pointwise_bench.report.reading.run import Run
from pointwise_bench.report.reading.value_readers import Defect, plain

# Of the environment: what is another number in every run of the same machine, and the memory, whose size wavers by some
# pages from one boot to the next (the machine's name holds it to a quarter of a GiB).
_OF_THE_MOMENT: Final = ("load", "steal_s", "warnings", "memory_bytes")
# Of which the parts have names that say what they are.
_NAMED_PARTS: Final = ("packages", "variables")
_MOST_FIELDS: Final = 5  # of a policy, in one sentence
_ABSENT, _UNKNOWN = "absent", "unknown"

Facts = Mapping[str, str]


def different_rules(old: Run, new: Run) -> list[str]:
    """Each rule that gives the times of the two runs another meaning, with both values; empty where none is known."""
    found = [*_differing(_conditions(old), _conditions(new))]
    if old.settings["policy"] and new.settings["policy"]:
        found += _first(_differing(_rules(old), _rules(new), "policy "))
    was, now = (run.settings["project"]["version"] for run in (old, new))
    if was and now and was != now:
        found.append(f"pointwise-bench: {was} before, {now} now")
    return found


def _first(differing: Iterator[str]) -> list[str]:
    """Of a policy, as many as can be read in one sentence."""
    fields = [*differing]
    more = [f"{len(fields) - _MOST_FIELDS} more fields of the policy"] if len(fields) > _MOST_FIELDS else []
    return fields[:_MOST_FIELDS] + more


def notes(old: Run, new: Run) -> list[str]:
    """What else differs and can change a time, and what is not known of the two runs, in sentences."""
    found = [*_unknown(old, "old"), *_unknown(new, "new")]
    found += [
        f"the {which} run's machine was unstable: {reason}"
        for which, run in (("old", old), ("new", new))
        if (reason := unstable(run))
    ]
    if old.machine != new.machine:
        found.append(f"different machines: {old.machine} and {new.machine}; the change may be theirs")
    found += _first(_differing(_planning(old), _planning(new), "planned otherwise: policy "))
    found += _differing(_revision(old), _revision(new))
    found += _differing(_environment(old), _environment(new))
    return [*found, *_by_worker(old, new, "ran", "what ran"), *_by_worker(old, new, "libraries", "libraries loaded")]


# --- rules --------------------------------------------------------------------------------------------------------


def _conditions(run: Run) -> Facts:
    """From the cells and not from the options: older runs do not record all of these there."""
    timed = [cell for cell in run.cells if cell.timed]
    of_cells = {"cache": {cell.cache for cell in timed}, "isolation": {cell.isolation for cell in timed}}
    return {name: " and ".join(sorted(values)) for name, values in of_cells.items() if values}


def _rules(run: Run) -> Facts:
    return _flat(rules_of(run.settings["policy"]))


def _planning(run: Run) -> Facts:
    rules = _rules(run)
    return {name: value for name, value in _flat(run.settings["policy"]).items() if name not in rules}


def _flat(policy: Mapping[str, Any]) -> Facts:
    return {
        f"{group}.{name}": plainly(value)
        for group, values in policy.items()
        for name, value in (values.items() if isinstance(values, dict) else [("value", values)])
    }


# --- notes --------------------------------------------------------------------------------------------------------


def _unknown(run: Run, which: str) -> Iterator[str]:
    if not run.settings["policy"]:
        yield f"the {which} run does not record its policy: whether both were measured by the same rules is not known"
    if not any(run.settings["environment"].values()):
        yield f"the {which} run does not record its environment: what changed there is not known"
    if run.settings["project"]["clean"] is False:
        yield f"the {which} run was measured by code that differs from its revision"


def _revision(run: Run) -> Facts:
    revision = run.settings["project"]["revision"]
    return {"revision": revision} if revision else {}


def _environment(run: Run) -> Facts:
    """Every fact under a name; those with parts give one for each part."""
    facts: dict[str, str] = {}
    for key, value in run.settings["environment"].items():
        if key in _OF_THE_MOMENT:
            continue
        name = key.replace("_", " ")
        parts = value if isinstance(value, dict) else {"": value}
        for part, one in parts.items():
            whole = part if key in _NAMED_PARTS else f"{name} {part}".strip()
            facts[whole] = _UNKNOWN if one is None else plainly(one)
    return facts


def _differing(old: Facts, new: Facts, title: str = "") -> Iterator[str]:
    """A sentence for each name whose value differs. Where one run has none of the facts, nothing is known to differ."""
    for name in sorted(old.keys() | new.keys()) if old and new else ():
        was, now = old.get(name, _ABSENT), new.get(name, _ABSENT)
        if was != now:
            yield f"{title}{name}: {was} before, {now} now"


def _by_worker(old: Run, new: Run, key: str, title: str) -> Iterator[str]:
    """A sentence for each change that workers of both runs saw, with the first of them: many may have seen the same."""
    before, after = _said(old, key), _said(new, key)
    seen: defaultdict[str, list[str]] = defaultdict(list)
    for worker in sorted(before.keys() & after.keys()):
        for change in _differing({title: before[worker]}, {title: after[worker]}):
            seen[change].append(worker)
    for change, workers in seen.items():
        others = f" and {len(workers) - 1} more" if len(workers) > 1 else ""
        yield f"{change} ({workers[0]}{others})"


def _said(run: Run, key: str) -> Facts:
    """What a run records under ``key`` for each backend and thread budget; none where it cannot be read."""
    try:
        said = plain(run.settings.get(key))
    except Defect:
        return {}
    return {worker: plainly(value) for worker, value in said.items()} if isinstance(said, dict) else {}
