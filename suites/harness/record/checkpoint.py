"""``checkpoint.jsonl``: what an unfinished run has measured so far; a killed run loses one problem of one pass at most.

A cell is whole only after its last pass. Until then its parts stand here: a part is what one pass showed of one backend
on one problem. A line holds one trial, that is one problem in one pass with all of its backends. A torn line is dropped
as a whole, so that no backend is ever resumed without those that it is compared with.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointwise_bench.suites.harness.design.rounds import Share
from pointwise_bench.suites.harness.record.json_lines import append_lines, line_at, lines_in
from pointwise_bench.suites.harness.record.pass_samples import PassSamples

if TYPE_CHECKING:
    from pointwise_bench.suites.harness.record.mending import Damage

TrialKey = tuple[str, int]  # a problem's id and a thread budget


class Checkpoint:
    """Knows where each part lies on the disk and keeps none in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: defaultdict[TrialKey, dict[int, int]] = defaultdict(dict)  # trial -> pass -> offset
        self.starts = 0
        """One more than the highest number of a worker's start: a resumed run counts its workers on from here."""
        self.damage = _mended(path)
        """What could not be used of the file as it was found."""
        for offset, line in lines_in(path):
            self._places[line["problem"], line["threads"]][line["pass"]] = offset
            self._count_starts(part["process"] for part in line["parts"])

    def __len__(self) -> int:
        return sum(len(passes) for passes in self._places.values())

    def append(self, key: TrialKey, number: int, parts: list[PassSamples]) -> None:
        """Keep what pass ``number`` showed; on disk when this returns."""
        entry = {"problem": key[0], "threads": key[1], "pass": number, "parts": [_values(part) for part in parts]}
        (self._places[key][number],) = append_lines(self._path, [entry])
        self._count_starts(part.process for part in parts)

    def passes(self, key: TrialKey) -> set[int]:
        """The passes that are done."""
        return set(self._places.get(key, ()))

    def parts(self, key: TrialKey) -> dict[str, dict[int, PassSamples]]:
        """All parts of a problem with a thread budget, by backend and pass."""
        found: defaultdict[str, dict[int, PassSamples]] = defaultdict(dict)
        for number, offset in sorted(self._places.get(key, {}).items()):
            for part in line_at(self._path, offset)["parts"]:
                share = part.pop("share")
                found[part["backend"]][number] = PassSamples(**part, share=Share(**share) if share else None)
        return dict(found)

    def close(self) -> None:
        """Remove the file: every part is in a cell now."""
        self._path.unlink(missing_ok=True)

    def _count_starts(self, processes: Iterable[int]) -> None:
        self.starts = max(self.starts, *(1 + process for process in processes), 0)


def _values(part: PassSamples) -> dict[str, Any]:
    """Every field by name. ``asdict`` would copy each of hundreds of times for a line that is written at once."""
    return vars(part) | {"share": part.share and vars(part.share)}


@dataclass
class _Entry:
    """A line as it is read: one trial."""

    problem: str
    threads: int
    number: int
    parts: list[PassSamples]


def _mended(path: Path) -> Damage | None:
    if not path.exists():
        return None
    from pointwise_bench.suites.harness.record.mending import mend  # as for cells

    return mend(path, _fault)


def _fault(line: dict[str, Any]) -> str | None:
    from pointwise_bench.suites.harness.record.typed_lines import misfit

    # A foreign key that is called as the field must not stand for it.
    entry = {"number" if key == "pass" else key: value for key, value in line.items() if key != "number"}
    if (fault := misfit(entry, _Entry, more=True)) is not None:
        return fault.replace("number ", "pass ", 1) if fault.startswith("number ") else fault
    uneven = (f"parts[{place}].{fault}" for place, part in enumerate(entry["parts"]) for fault in _uneven(part))
    return next(uneven, None)


def _uneven(part: dict[str, Any]) -> Iterator[str]:
    """Series that have not a value for each round."""
    rounds = len(part.get("samples_s", []))
    for key, may_be_empty in (("canary_s", False), ("device_samples_s", True)):
        if (entries := len(part.get(key, []))) != rounds and (entries or not may_be_empty):
            yield f"{key} has {entries:,} entries, but samples_s has {rounds:,}"
