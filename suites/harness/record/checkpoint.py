"""``legs.jsonl``: what an unfinished run has measured so far, so that killing it costs one problem of one pass at most.

A cell is whole only after its last pass. Until then its legs stand here, a line for each problem and pass with all of
its backends: a torn line is a contest that never was, and no backend is ever resumed without its rivals.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pointwise_bench.suites.harness.design.rounds import Share
from pointwise_bench.suites.harness.record.json_lines import append_lines, good_lines
from pointwise_bench.suites.harness.record.pass_samples import PassSamples

TrialKey = tuple[str, int]  # a problem's id and a thread budget


class Checkpoint:
    """Knows where each leg lies on the disk and keeps none in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: defaultdict[TrialKey, dict[int, int]] = defaultdict(dict)  # heat -> pass -> offset
        self.starts = 0
        """One more than the highest number of a worker's start: a resumed run counts its workers on from here."""
        for offset, line in good_lines(path, _is_entry):
            self._places[line["problem"], line["threads"]][line["pass"]] = offset
            self._count_starts(leg["process"] for leg in line["legs"])

    def __len__(self) -> int:
        return sum(len(passes) for passes in self._places.values())

    def append(self, heat: TrialKey, number: int, legs: list[PassSamples]) -> None:
        """Keep what pass ``number`` showed; on disk when this returns."""
        entry = {"problem": heat[0], "threads": heat[1], "pass": number, "legs": [asdict(leg) for leg in legs]}
        (self._places[heat][number],) = append_lines(self._path, [entry])
        self._count_starts(leg.process for leg in legs)

    def passes(self, heat: TrialKey) -> set[int]:
        """The passes that are done."""
        return set(self._places.get(heat, ()))

    def legs(self, heat: TrialKey) -> dict[str, dict[int, PassSamples]]:
        """All legs of a heat, by backend and pass."""
        found: defaultdict[str, dict[int, PassSamples]] = defaultdict(dict)
        for number, offset in sorted(self._places.get(heat, {}).items()):
            for leg in self._entry(offset)["legs"]:
                share = leg.pop("share")
                found[leg["backend"]][number] = PassSamples(**leg, share=Share(**share) if share else None)
        return dict(found)

    def close(self) -> None:
        """Remove the file: every leg is part of a cell now."""
        self._path.unlink(missing_ok=True)

    def _count_starts(self, processes: Iterable[int]) -> None:
        self.starts = max(self.starts, *(1 + process for process in processes), 0)

    def _entry(self, offset: int) -> dict[str, Any]:
        with self._path.open("rb") as file:
            file.seek(offset, os.SEEK_SET)
            entry: dict[str, Any] = json.loads(file.readline())
            return entry


def _is_entry(line: dict[str, Any]) -> bool:
    return {"problem", "threads", "pass", "legs"} <= line.keys()
