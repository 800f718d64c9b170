"""``pointwise-bench calibrate``: how often the verdicts err on this machine, quiet and under load."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pointwise_bench.common.cores import DEFAULT_BUDGET, available_cores, default_threads
from pointwise_bench.common.formats import (
    CALIBRATION_FILE,
    CALIBRATION_FORMAT,
    MOST_BESIDE_BYTES,
    RUN_FILE,
    USAGE_ERROR,
)
from pointwise_bench.common.one_line_parser import OneLineParser
from pointwise_bench.common.regular_files import read_earlier, write_whole
from pointwise_bench.suites.harness.record.json_lines import CannotRecord, recording
from pointwise_bench.suites.harness.run.options import BadOption, parse_threads

if TYPE_CHECKING:
    from pointwise_bench.report.reading.cells import ReadCell

HERE: Final = Path(__file__).parent
SHORTEST_S: Final = 100e-6  # below it a share of the time is a wait of no length that could be kept
BUSY_S: Final = 0.05

_DESCRIPTION: Final = f"""\
Measure what the verdicts of this benchmark are worth on this machine.

One layer runs under two names, and with a timed wait of 1, 3 and 5 % of its
median, on problems from 20 microseconds to 20 milliseconds, by the same
command and settings as any benchmark: with one thread and with as many as a
run has by default ({DEFAULT_BUDGET}),
on the machine as it is and beside a process that keeps one core busy half of the
time. How often the twins were called different, and how often the slower ones
were found, goes into RESULTS/<machine>/calibration.json, which `pointwise-bench report`
shows beside its verdicts.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiments that were asked for; 0, or the exit code of a run that failed."""
    options = _parser().parse_args(arguments)
    cores = available_cores()
    try:
        budgets = [parse_threads(text, cores) for text in options.threads] or sorted({1, default_threads()})
    except BadOption as error:
        print(f"pointwise-bench calibrate: {error}", file=sys.stderr)
        return USAGE_ERROR
    for load in options.load or ("quiet", "half-a-core"):
        for threads in budgets:
            print(f"--- {threads} threads, {load}", flush=True)
            with _load(load):
                run = _measure(options, threads, load)
            if run is None:
                return 1
            found = {"threads": threads, "load": load, "run": run.name} | _rates(run)
            print(_sentence(found), flush=True)
            try:
                _write(options.results / run.parent.name, found)
            except CannotRecord as error:
                print(f"pointwise-bench calibrate: {error}; name another place with --results", file=sys.stderr)
                return USAGE_ERROR
    return 0


def _parser() -> argparse.ArgumentParser:
    keep = argparse.RawDescriptionHelpFormatter
    parser = OneLineParser("pointwise-bench calibrate", description=_DESCRIPTION, formatter_class=keep)
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="default: results")
    parser.add_argument("--threads", action="append", default=[], metavar="N", help=f"default: 1, and {DEFAULT_BUDGET}")
    parser.add_argument("--load", action="append", choices=("quiet", "half-a-core"), help="default: both")
    parser.add_argument("--shapes", default=str(HERE / "layers.toml"), metavar="FILE", help="default: 42 layers")
    parser.add_argument("--time-budget", metavar="T", help="for each of the four runs; default: none")
    return parser


def _measure(options: argparse.Namespace, threads: int, load: str) -> Path | None:
    """One run of the twins; its folder, or None where it failed."""
    results = options.results / "calibration" / f"{threads}-threads-{load}"
    command = [sys.executable, "-m", "pytest", str(HERE.parent), "--benchmark-only", "-p", "no:cacheprovider"]
    command += ["--plugin", str(HERE / "twins.py"), "--backend", "twin*", "--shapes", options.shapes]
    command += ["--threads", str(threads), "--results", str(results)]
    if options.time_budget:
        command += ["--time-budget", options.time_budget]
    done = subprocess.run(command, check=False)
    runs = sorted(results.glob(f"*/*/{RUN_FILE}"))
    return runs[-1].parent if done.returncode == 0 and runs else None


@contextmanager
def _load(kind: str) -> Iterator[None]:
    """Beside what runs inside: nothing, or a process that keeps one core busy half of the time."""
    busy = [sys.executable, "-c", f"from {__package__}.__main__ import be_busy; be_busy()"]
    process = None if kind == "quiet" else subprocess.Popen(busy)
    try:
        yield
    finally:
        if process is not None:
            process.kill()
            process.wait()


def be_busy() -> None:
    """Busy for 50 ms, idle for 50 ms, for ever."""
    while True:
        end = time.perf_counter() + BUSY_S
        while time.perf_counter() < end:
            pass
        time.sleep(BUSY_S)


# --- counting -----------------------------------------------------------------------------------------------------


def _rates(folder: Path) -> dict[str, Any]:
    """How the pairs of known ratio were judged: ``same`` for the twins, ``slower`` by percent.

    ``first_start`` has both once more as the first start alone would have had them judged, by what the whole run has
    shown of starts: the verdicts by which a run that screens leaves backends out.
    """
    from pointwise_bench.report.analysis.comparisons import compare_run, usual_disagreements
    from pointwise_bench.report.analysis.series import clusters_of
    from pointwise_bench.report.reading.run import load_run

    run = load_run(folder)
    medians = {
        (cell.backend, cell.problem.id): clusters_of(cell).median_interval()[0] for cell in run.cells if cell.timed
    }
    once = {threads: replace(known, first_look=1) for threads, known in usual_disagreements(run).items()}
    first = replace(run, cells=tuple(_of_first_start(cell) for cell in run.cells))
    return {
        "problems": len({problem for _, problem in medians}),
        **_judged(compare_run(run).to_dict("records"), medians),
        "first_start": _judged(compare_run(first, usual=once).to_dict("records"), medians),
    }


def _of_first_start(cell: ReadCell) -> ReadCell:
    own = cell.process == cell.process.min(initial=2**62)
    return replace(cell, samples=cell.samples[own], round=cell.round[own], process=cell.process[own])


def _judged(rows: Iterable[Mapping[Any, Any]], medians: Mapping[tuple[str, str], float]) -> dict[str, Any]:
    judged: dict[int, list[str]] = {0: [], 1: [], 3: [], 5: []}
    for row in rows:
        a, b = _percent(str(row["backend_a"])), _percent(str(row["backend_b"]))
        # Only against the plain twins: between two that wait, the ratio is not the one declared.
        if min(a, b) == 0 and (a == b or medians["twin", str(row["problem"])] >= SHORTEST_S):
            judged[max(a, b)].append(str(row["verdict"]) if a <= b else _OPPOSITE[str(row["verdict"])])
    return {
        "same": _count(judged[0]) | {"called_different": sum(one in ("faster", "slower") for one in judged[0])},
        "slower": [
            {"percent": percent} | _count(judged[percent]) | {"wrong_sign": judged[percent].count("slower")}
            for percent in (1, 3, 5)
        ],
    }


_OPPOSITE: Final = {"faster": "slower", "slower": "faster", "same": "same", "undecided": "undecided"}


def _percent(name: str) -> int:
    return int(name.rpartition("-")[2]) if "slower-by" in name else 0


def _count(verdicts: Sequence[str]) -> dict[str, int]:
    """Pairs, and how many of them were found (the plain twin faster), called the same, or left undecided."""
    counts = {"found": verdicts.count("faster")} if verdicts else {"found": 0}
    return {"pairs": len(verdicts)} | counts | {name: verdicts.count(name) for name in ("same", "undecided")}


def _sentence(found: dict[str, Any]) -> str:
    once = found["first_start"]
    return f"{_found(found)}\nby the first start alone: {_found(once)}"


def _found(judged: dict[str, Any]) -> str:
    same = judged["same"]
    parts = [f"identical backends called different in {same['called_different']} of {same['pairs']} pairs"]
    parts += [f"{one['percent']} % slower found in {one['found']} of {one['pairs']}" for one in judged["slower"]]
    return "; ".join(parts)


def _write(machine: Path, found: dict[str, Any]) -> None:
    """Put one condition into the file, in the place of the same one from an earlier call; the others stay.

    ``CannotRecord`` where the system does not take it.
    """
    path = machine / CALIBRATION_FILE
    with recording(path):
        machine.mkdir(parents=True, exist_ok=True)
        others = [
            each for each in read_earlier(path, MOST_BESIDE_BYTES, _earlier) if _condition(each) != _condition(found)
        ]
        conditions = sorted([*others, found], key=_condition)
        content = {"format": CALIBRATION_FORMAT, "machine": machine.name, "conditions": conditions}
        write_whole(path, json.dumps(content, indent=1) + "\n")
    print(path, flush=True)


def _earlier(content: Any) -> list[dict[str, Any]]:
    """The conditions in a file of this format."""
    if content["format"] != CALIBRATION_FORMAT:
        raise ValueError("of another format")
    conditions: list[dict[str, Any]] = content["conditions"]
    if not all(type(each["threads"]) is int and isinstance(each["load"], str) for each in conditions):
        raise ValueError("holds what no condition is told by")
    return conditions


def _condition(found: dict[str, Any]) -> tuple[int, bool]:
    """What tells conditions apart, in the order of the report: few threads before many, quiet before busy."""
    return found["threads"], found["load"] != "quiet"


if __name__ == "__main__":
    sys.exit(main())
