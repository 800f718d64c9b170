"""Honest backends whose arrays lie on a device of their own, in a whole run: PoCL serves where there is no GPU."""

from __future__ import annotations

from pathlib import Path

import pytest
from suite_command import read_cells, run_suite

from pointwise_bench.backends import registry

LAYERS = ("n1c12h56w56-o12-bias", "n0c64h7w7-o64-bias")
BACKEND = "opencl"


@pytest.mark.alone  # its clock is held against others
@pytest.mark.parametrize("further", [(), ("--in-process",)])
def test_a_device_is_timed_by_both_clocks_and_convicted_by_neither(tmp_path: Path, further: tuple[str, ...]) -> None:
    """Of every device the clock had been called wrong: what its own one took was held against the processor's.

    So had been that of a device for which an empty batch leaves nothing to do.
    """
    if reason := registry.get(BACKEND).missing():
        pytest.skip(reason)
    results = tmp_path / "results"
    words = [*(f"--shapes={layer}" for layer in LAYERS), "--backend", BACKEND]
    # PoCL builds nothing in a fork of a process that has it loaded.
    done = run_suite(results, *words, *further, "-p", "few_rounds", real_starts=True)
    cells = read_cells(results)
    assert {(cell["status"], cell["reason"]) for cell in cells} == {("ok", "")}, done.stdout[-3000:]
    assert sorted(cell["problem"] for cell in cells) == sorted(LAYERS)
    assert all(len(cell["device_samples_s"]) == len(cell["samples_s"]) > 0 for cell in cells)
