"""What plans cost on random problems that wisdom has not seen, and what a call costs over the chosen backend's own.

    pointwise-bench recommend --out wisdom.json
    python docs/experiments/regret.py --wisdom wisdom.json --threads 1 --time-budget 30m

draws 200 problems, measures all backends on them in one run (in the folder ``--results``), and holds the plan for each
against the fastest: the geometric mean should be at most 3 %, the worst 25 %. ``--run FOLDER`` judges a run that is
there, ``--go-on`` finishes one that was interrupted, with the same options. In ten minutes 200 problems want smaller
ones, ``--largest``, and fewer backends: words of ``run`` behind ``--``, such as ``-- --backend torch-matmul``, once for
each that was ever near the fastest. Whoever is left out of a run that is too short for it (its "plan:" says so) cannot
be chosen either, and the regret is not that of the plan. What ``plan`` itself charges a backend with arrays of its own
kind for handing them over, the run does not see.
Wants a quiet machine, and the folder of the run that the wisdom is of for ``--results``: what backends cost here is
kept in it, and a run without that leaves out who compiles for long.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from pointwise_bench.backends.problem import Problem
from pointwise_bench.report.reading.errors import ReportError
from pointwise_bench.report.reading.run import load_run
from pointwise_bench.report.statistics.order_statistics import interval_index
from pointwise_bench.wisdom.entries import Wisdom
from pointwise_bench.wisdom.from_runs import wisdom_of
from pointwise_bench.wisdom.plan import plan
from pointwise_bench.wisdom.refusal import WisdomRefused
from pointwise_bench.wisdom.regret import chosen_without_time, of_default, of_unseen
from pointwise_bench.wisdom.wisdom_file import read_wisdom

PROBLEMS: Final = 200
LARGEST: Final = 300_000_000
"""Multiply-adds, where nothing else is said: in half an hour every backend has to have all problems."""
_ROUNDS, _CALLS = 21, 1000


def drawn(count: int, seed: int, largest: int = LARGEST) -> list[Problem]:
    """Distinct problems: sizes as likely on a logarithmic scale, and settings much as layers of networks have them."""
    generator = random.Random(seed)  # noqa: S311  # a sample, no secret
    found: dict[str, Problem] = {}
    while len(found) < count:
        size = _size(generator, 1, 112)
        problem = Problem(
            batch=1 if generator.random() < 0.8 else _size(generator, 2, 16),
            in_channels=_size(generator, 3, 2048),
            out_channels=_size(generator, 3, 2048),
            height=size,
            width=size,
            stride=2 if size > 1 and generator.random() < 0.1 else 1,
            bias=generator.random() < 0.7,
            activation="relu" if generator.random() < 0.5 else "none",
        )
        if problem.macs <= largest:
            found[problem.id] = problem
    return list(found.values())


def _size(generator: random.Random, least: int, most: int) -> int:
    size: int = round(least * float(most / least) ** generator.random())
    return size


def layers_of(problems: Sequence[Problem]) -> str:
    """As a file that ``--shapes`` reads."""
    keys = ("batch", "in_channels", "out_channels", "height", "width", "stride", "bias", "activation")
    lines = [",".join(str(getattr(problem, key)) for key in keys) for problem in problems]
    return "\n".join([f"name,{','.join(keys)}", *(f"{number},{line}" for number, line in enumerate(lines, 1))]) + "\n"


def overhead_of_a_call() -> str:
    """What a planned call takes over its backend's own, of this thread: of the smallest layer, in turns."""
    layer = plan(np.ones((1, 1), "float32"), input_shape=(1, 1, 1, 1), threads=1)
    x = np.ones((1, 1, 1, 1), "float32")
    differences: list[float] = []
    for number in range(_ROUNDS):
        ways: list[Callable[[object], object]] = [layer, layer.unchecked]  # type: ignore[list-item]
        order = (0, 1) if number % 2 else (1, 0)
        seconds = {which: _timed(ways[which], x) for which in order}
        differences.append(1e6 * (seconds[0] - seconds[1]))
    ordered = sorted(differences)
    end = interval_index(_ROUNDS) or 0
    middle, low, high = ordered[_ROUNDS // 2], ordered[end], ordered[-1 - end]
    return f"a call costs {middle:.2f} us [{low:.2f}, {high:.2f}] over the chosen backend's own ({layer.backend})"


def _timed(way: Callable[[object], object], x: object) -> float:
    began = time.thread_time()
    for _ in range(_CALLS):
        way(x)
    return (time.thread_time() - began) / _CALLS


def _measured(options: argparse.Namespace) -> Path:
    from pointwise_bench import run

    options.results.mkdir(parents=True, exist_ok=True)
    file = options.results / "random-problems.csv"
    file.write_text(layers_of(drawn(options.problems, options.seed, options.largest)), encoding="utf-8")
    before = set() if options.go_on else set(options.results.glob("*/*/run.json"))
    further = ["--resume"] if options.go_on else []
    words = ["--shapes", str(file), "--threads", str(options.threads), "--results", str(options.results)]
    code = run.main([*words, "--time-budget", options.time_budget, *further, *options.further])
    there = sorted(set(options.results.glob("*/*/run.json")) - before)
    if not there:
        sys.exit(code or 1)
    newest: Path = there[-1].parent
    return newest


def _say_who_has_no_time(wisdom: Wisdom | None, measured: Wisdom) -> None:
    for backend, count in chosen_without_time(wisdom, measured).most_common():
        print(f"  not the plan's regret on {count} of them: {backend}, which is planned there, has no time")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the regrets and the cost of a call; what stands behind ``--`` goes to the run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wisdom", type=Path, required=True)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--problems", type=int, default=PROBLEMS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--largest", type=int, default=LARGEST, help="multiply-adds of a problem")
    parser.add_argument("--go-on", action="store_true", help="with the newest unfinished run of the same options")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--time-budget", default="30m")
    parser.add_argument("--results", type=Path, default=Path("results-of-regret"))
    parser.add_argument("further", nargs="*")
    options = parser.parse_args(arguments)
    try:
        wisdom = read_wisdom(options.wisdom)
        measured = wisdom_of([load_run(options.run or _measured(options))])
    except (ReportError, WisdomRefused) as error:
        sys.exit(f"regret: {error}")
    backends = sorted({backend for entry in measured.entries for backend in entry.behind()})
    print(f"measured: {len(measured.entries)} problems, by {', '.join(backends)}")
    print(f"regret by wisdom: {of_unseen(wisdom, measured).said}")
    _say_who_has_no_time(wisdom, measured)
    print(f"regret by the rule, without wisdom: {of_default(measured).said}")
    _say_who_has_no_time(None, measured)
    print(overhead_of_a_call())
    return 0


if __name__ == "__main__":
    sys.exit(main())
