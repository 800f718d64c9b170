"""A run's numbers computed from its files alone, by medians and sums, for tests that hold a page against them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from pointwise_bench import Problem


@dataclass(frozen=True)
class Network:
    """A group of a run with one thread budget; ``cells`` are all that it has of them."""

    title: str
    threads: int
    cells: tuple[dict[str, Any], ...]
    layers: dict[str, tuple[str, int]]
    """Of each name, the problem and how often it occurs; of all that were to be measured."""

    @cached_property
    def medians(self) -> dict[str, dict[str, float]]:
        """Of each backend that is compared with others, the median of all samples of a layer."""
        found: dict[str, dict[str, float]] = {}
        for cell in self.cells:
            if cell["status"] == "ok" and cell.get("arithmetic", "own") == "own":
                found.setdefault(cell["backend"], {})[cell["name"]] = median(cell["samples_s"])
        return found

    def shown_of(self, name: str) -> dict[str, float]:
        """Of one layer, the medians of all with a time, be they compared or not."""
        return {
            one["backend"]: median(one["samples_s"]) for one in self.cells if one["name"] == name and one["samples_s"]
        }

    @property
    def covered(self) -> int:
        """Layers that somebody has a time of."""
        return len({name for times in self.medians.values() for name in times})

    @cached_property
    def totals(self) -> dict[str, float]:
        """Of each backend with a time for every layer, the fastest first."""
        whole = {who: times for who, times in self.medians.items() if times.keys() == self.layers.keys()}
        sums = {who: sum(self.taken(who).values()) for who in whole}
        return dict(sorted(sums.items(), key=lambda item: item[1]))

    def taken(self, backend: str) -> dict[str, float]:
        """What each layer takes of a backend's total, the longest first."""
        found = {name: self.layers[name][1] * time for name, time in self.medians[backend].items()}
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def times_of(self, name: str) -> dict[str, float]:
        """Of one layer, the medians of those that are compared, the fastest first."""
        found = {who: times[name] for who, times in self.medians.items() if name in times}
        return dict(sorted(found.items(), key=lambda item: item[1]))

    def flops_of(self, name: str) -> int:
        """Of one call."""
        return 2 * Problem.parse(self.layers[name][0]).macs

    @property
    def flops(self) -> int:
        """Of all layers, as often as they occur."""
        return sum(count * self.flops_of(name) for name, (_, count) in self.layers.items())


@dataclass(frozen=True)
class ByHand:
    """A run, from its ``run.json`` and ``cells.jsonl``."""

    folder: Path

    @cached_property
    def settings(self) -> dict[str, Any]:
        """All of ``run.json``."""
        found: dict[str, Any] = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        return found

    @cached_property
    def cells(self) -> list[dict[str, Any]]:
        """A line each."""
        lines = (self.folder / "cells.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    @cached_property
    def networks(self) -> list[Network]:
        """As the page orders them: by name and threads."""
        placed = [{**cell, **place} for cell in self.cells for place in ({}, *cell.get("also", ()))]
        asked = self.settings.get("selection") or placed
        return [_network(group, threads, asked, placed) for group, threads in sorted({_of(one) for one in asked})]

    def peak(self, threads: int) -> float:
        """Of multiply-adds in float32; 0 where it was not measured. A run's cells are of the processor, or of none."""
        if any(cell["device"] != "cpu" for cell in self.cells):
            return 0.0
        ceilings = [one for one in self.settings["ceilings"] if one["threads"] == threads]
        peaks: list[float] = [one["fma_peak_flops"]["float32"] for one in ceilings]
        return max(peaks, default=0.0)

    @cached_property
    def disturbed(self) -> float:
        """Share of the rounds in which a fixed piece of work took over 1.25 times what it takes."""
        beats: dict[int, list[float]] = {}
        for cell in self.cells:
            beats.setdefault(cell["threads"], []).extend(cell["canary_s"])
        baseline: float = self.settings["canary"]["baseline_s"]
        usual = {threads: min(baseline, quantiles(own, n=10, method="inclusive")[0]) for threads, own in beats.items()}
        above = [beat > 1.25 * usual[threads] for threads, own in beats.items() for beat in own]
        return sum(above) / len(above)

    @property
    def failures(self) -> dict[tuple[str, str], int]:
        """How many cells of a status and a backend have no time."""
        found: dict[tuple[str, str], int] = {}
        for cell in self.cells:
            if cell["status"] != "ok":
                key = (cell["status"], cell["backend"])
                found[key] = found.get(key, 0) + 1
        return found


def _network(group: str, threads: int, asked: list[dict[str, Any]], placed: list[dict[str, Any]]) -> Network:
    layers = {one["name"]: (one["problem"], one["count"]) for one in asked if _of(one) == (group, threads)}
    cells = tuple(one for one in placed if _of(one) == (group, threads))
    return Network(f"{group}, {threads} thread{'s' * (threads > 1)}", threads, cells, layers)


def _of(one: dict[str, Any]) -> tuple[str, int]:
    return one["group"], one["threads"]
