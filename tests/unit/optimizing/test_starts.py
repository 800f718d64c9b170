"""Starts as one entry: rounds in the order of starts, a way that failed once without times, ends in one line."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest
from make_timed_model import MACHINE

from pointwise_bench.common.formats import MODEL_WAYS
from pointwise_bench.optimizing import starts
from pointwise_bench.optimizing.models_file import keep
from pointwise_bench.optimizing.starts import AskedModel, BadModel, NoStart, entry_of, one_start
from pointwise_bench.report.reading.timed_models import read_timed_models

ASKED = AskedModel("module:make", ((1, 3, 8, 8),), 1, 0.1, 100)


def start(rounds: int, way: str = "oneDNN", **ways: Any) -> dict[str, Any]:
    layer: dict[str, Any] = {"name": "first", "way": way, "why": "times", "activation": "relu"}
    layer |= {"with_norm": True, "with_scale": False, "with_add": True}
    there = {"status": "ok", "samples_s": [float(rounds)] * rounds, "differs": rounds * 1e-7}
    of = dict.fromkeys(MODEL_WAYS, there) | ways
    return {"input": [1, 3, 8, 8], "used": True, "why": "planted", "layers": [layer], "ways": of}


def test_an_entry_has_the_rounds_of_all_starts_and_the_report_reads_it(tmp_path: Path) -> None:
    absent = {"status": "unavailable", "reason": "no compiler"}
    entry = entry_of(ASKED, [start(2), start(3, "modules", **{"torch.compile": absent})])
    assert entry["start"] == [0, 0, 1, 1, 1]
    assert entry["ways"]["eager"]["samples_s"] == [2.0, 2.0, 3.0, 3.0, 3.0]
    assert entry["ways"]["eager"]["differs"] == 3e-7
    assert entry["ways"]["torch.compile"] == {**absent, "samples_s": [], "differs": None}
    (layer,) = entry["layers"]
    assert (layer["ways"], layer["with"]) == (["oneDNN", "modules"], ["normalisation", "addition", "relu"])
    ((read,), defects) = read_timed_models(keep(entry, tmp_path, MACHINE).parent, MACHINE)
    assert (read.model, read.used, defects) == ("module:make", (True, True), ())


def test_ends_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadModel, match="no such"):
        starts._answer('{"error": "no such"}', "", 0, "m")
    with pytest.raises(NoStart, match=r"^m: its process ended with signal 9: said last$"):
        starts._answer("", "said\nlast", -9, "m")
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(NoStart, match="exit code 1"):
        one_start(ASKED)


def test_who_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\nsleep 60 & echo $! > {tmp_path}/pid\nwait\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(starts, "LONGEST_S", 0.5)
    with pytest.raises(NoStart, match="took more than"):
        one_start(ASKED)
    status = Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/stat")
    # What is killed ends when it next has a core: on a busy machine it was found running once.
    until = time.monotonic() + 20
    while _runs(status) and time.monotonic() < until:
        time.sleep(0.01)
    assert not _runs(status)


def _runs(status: Path) -> bool:
    try:
        return status.read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
