"""What is a verdict from one start worth? False verdicts of screening and finals, beside three starts of everybody.

    python docs/experiments/one_start.py [--quick] [RUN ...]

Simulated, so that the truth is known: 18 backends, every start of a worker shifting all of its rounds by a factor of
its own. The shifts are drawn from a normal distribution, from one with heavy tails (Student's t of three degrees of
freedom), or from two values (one start in ten is slow). Three tables: 18 identical backends in few starts, whose starts
scatter alike or each by another measure; the whole course, with backends of 15 speeds, three of them twice; and, where
recorded runs of three starts are named, what their first starts alone would have said.
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pointwise_bench.common.verdict_rule import MARGIN, PLANNED_STARTS
from pointwise_bench.report.analysis.series import series_of
from pointwise_bench.report.reading.run import load_run
from pointwise_bench.report.statistics.leaders import leaders_of
from pointwise_bench.report.statistics.starts import Disagreement
from pointwise_bench.report.statistics.verdicts import Pairs, Series, pair_up, usual_disagreement

WARM_UP_SD = 0.1
MOST_STARTS = 6
SPEEDS: Final = (1, 1, 1.03, 1.05, 1.05, 1.08, 1.12, 1.2, 1.3, 1.45, 1.7, 2, 2, 2.5, 3, 5, 12, 100)
# Rounds of a start, near what the policy says, and fixed here, so that the figures that are published can be had again.
SCREENING, FAR, FINAL = 12, 4, 12
FAR_OFF = 3.0  # times slower than the fastest by the warm-up
UNLIKE: Final = 1.4  # logarithm of about four: of what a backend's own starts differ by, where backends are unlike
HURRIED, FEWEST = 8, 5  # rounds of a start as runs in a hurry had them before screening; of slow backends

Shifts = Callable[[np.random.Generator, int], NDArray[np.float64]]
SHIFTS: Final[dict[str, Shifts]] = {
    "normal": lambda generator, count: generator.standard_normal(count),
    "heavy tails": lambda generator, count: generator.standard_t(3, count) / math.sqrt(3),
    "one in ten slow": lambda generator, count: np.where(generator.random(count) < 0.1, 3.0, -1.0 / 3),
}


@dataclass(frozen=True)
class Machine:
    """``start_sd`` and ``round_sd`` are of the log ratio of a pair: each backend has its share of the variance.

    ``unlike`` is the standard deviation, in logarithms, of what a backend's own ``start_sd`` is multiplied by on a
    problem; the mean of its square is one.
    """

    shifts: str
    start_sd: float
    round_sd: float
    unlike: float = 0.0

    def unrest(self, generator: np.random.Generator, count: int) -> NDArray[np.float64]:
        """What the ``start_sd`` of each backend is multiplied by on one problem, in all of its starts."""
        return (
            np.exp(self.unlike * generator.standard_normal(count) - self.unlike**2) if self.unlike else np.ones(count)
        )

    def start(
        self,
        generator: np.random.Generator,
        speeds: Sequence[float],
        number: int,
        rounds: Sequence[int],
        unrest: NDArray[np.float64] | float = 1.0,
    ) -> list[Series]:
        """What one start of all backends shows; rounds are long-tailed, and the whole machine drifts."""
        drift = generator.normal(0, 0.05, max(rounds)).cumsum()
        shifts = SHIFTS[self.shifts](generator, len(speeds)) * unrest * self.start_sd / math.sqrt(2)
        noise = generator.standard_t(3, (len(speeds), max(rounds))) * self.round_sd / math.sqrt(6)
        return [
            Series(
                math.log(speed) + shift + (drift + own)[:count],
                1000 * number + np.arange(count),
                np.full(count, number),
            )
            for speed, shift, own, count in zip(speeds, shifts, noise, rounds, strict=True)
        ]


def joined(*starts: Series) -> Series:
    """One backend's rounds of several starts."""
    return Series(
        *(np.concatenate([getattr(one, name) for one in starts]) for name in ("log_seconds", "rounds", "processes"))
    )


def different(pairs: Pairs) -> NDArray[np.bool_]:
    """Which pairs are called faster or slower."""
    return np.isin(pairs.verdict, ("faster", "slower"))


# --- identical backends in few starts -----------------------------------------------------------------------------


def few_starts(problems: int) -> Iterator[tuple[str, ...]]:
    """Share of the pairs of 18 identical backends that are called different, by machine and number of starts."""
    yield (
        *("starts differ", "unlike", "start sd", "round sd"),
        *("three", "one, as if three", "one", "two", "three, third look"),
    )
    for shifts, unlike in itertools.product(SHIFTS, (0.0, UNLIKE)):
        for start_sd, round_sd in ((0.01, 0.03), (0.03, 0.03), (0.05, 0.05)):
            machine = Machine(shifts, start_sd, round_sd, unlike)
            cells = [
                identical(machine, problems, starts=3, rounds=HURRIED, first_look=PLANNED_STARTS),
                identical(machine, problems, starts=1, rounds=SCREENING, first_look=1, start_sd=0.0),
                *(identical(machine, problems, starts, SCREENING, first_look=1) for starts in (1, 2, 3)),
            ]
            yield shifts, f"{unlike:g}", percent(start_sd), percent(round_sd), *map(percent, cells)


def identical(
    machine: Machine, problems: int, starts: int, rounds: int, first_look: int, start_sd: float | None = None
) -> float:
    """The share of pairs called different; a run's own disagreement is learnt from its pairs with three starts."""
    generator = np.random.default_rng(1)
    count = len(SPEEDS)

    def problem(starts: int) -> list[Series]:
        unrest = machine.unrest(generator, count)
        each = [machine.start(generator, [1.0] * count, number, [rounds] * count, unrest) for number in range(starts)]
        return [joined(*own) for own in zip(*each, strict=True)]

    usual = usual_disagreement([pair_up(problem(3)) for _ in range(10)], first_look)
    if start_sd is not None:
        usual = replace(usual, start_sd=start_sd)
    found = np.concatenate([different(pair_up(problem(starts), usual=usual)) for _ in range(problems)])
    return float(found.mean())


# --- the whole course ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """Of a simulated run, in shares: of identical pairs, of all pairs, of problems; and turns of a problem."""

    identical_called_different: float
    wrong: float
    problems_with_a_wrong_verdict: float
    fastest_lost: float
    settled: float
    turns: float


def whole_course(problems: int) -> Iterator[tuple[str, ...]]:
    """Screening and finals beside three starts of everybody."""
    yield (
        *(
            "starts differ",
            "start sd",
            "round sd",
            "course",
            "identical called different",
            "wrong verdicts",
            "problems with one",
        ),
        *("the fastest lost", "leaders settled", "turns a problem"),
    )
    for shifts in SHIFTS:
        for start_sd, round_sd in ((0.003, 0.01), (0.01, 0.03), (0.03, 0.03)):
            machine = Machine(shifts, start_sd, round_sd)
            for name, course in (("three starts", three_starts), ("screening, finals", screening_and_finals)):
                found = course(machine, problems)
                shares = list(vars(found).values())
                yield (
                    *(shifts, percent(start_sd), percent(round_sd), name),
                    *(*map(percent, shares[:-1]), f"{found.turns:.0f}"),
                )


def three_starts(machine: Machine, problems: int) -> Outcome:
    """Everybody three times, judged once."""
    generator = np.random.default_rng(2)
    made: list[list[Series]] = []
    for _ in range(problems):
        rounds = rounds_of_a_start(generator, fewest=FEWEST)
        each = [machine.start(generator, SPEEDS, number, rounds) for number in range(PLANNED_STARTS)]
        made.append([joined(*own) for own in zip(*each, strict=True)])
    return judged(made, usual_disagreement([pair_up(series) for series in made]))


def screening_and_finals(machine: Machine, problems: int) -> Outcome:
    """Everybody once; then whoever can still be the fastest, until the leaders are settled."""
    generator = np.random.default_rng(2)
    usual = Disagreement(first_look=1)
    made: list[list[Series]] = []
    for _ in range(problems):
        made.append(machine.start(generator, SPEEDS, 0, rounds_of_a_start(generator, fewest=FAR)))
    for number in range(1, MOST_STARTS):
        usual = usual_disagreement([pair_up(series, usual=usual) for series in made], usual.first_look)
        for series in made:
            found = leaders_of(len(series), pair_up(series, usual=usual))
            if not found.settled:
                again = machine.start(generator, SPEEDS, number, [FINAL] * len(SPEEDS))
                for one in found.contenders:
                    series[one] = joined(series[one], again[one])
    return judged(made, usual_disagreement([pair_up(series, usual=usual) for series in made], usual.first_look))


def rounds_of_a_start(generator: np.random.Generator, fewest: int) -> list[int]:
    """Of each backend: ``fewest`` of those that the warm-up shows to be far off."""
    warm = np.array(SPEEDS) * np.exp(generator.normal(0, WARM_UP_SD, len(SPEEDS)))
    return [fewest if seconds > FAR_OFF * warm.min() else SCREENING for seconds in warm.tolist()]


def judged(made: Sequence[Sequence[Series]], usual: Disagreement) -> Outcome:
    """All final verdicts of a run against the truth."""
    first, second = np.triu_indices(len(SPEEDS), k=1)
    true = np.log(np.array(SPEEDS)[second] / np.array(SPEEDS)[first])
    equal, apart = true == 0, np.abs(true) > math.log1p(MARGIN)
    wrong, lost, settled = [], [], []
    for series in made:
        pairs = pair_up(series, usual=usual)
        called = different(pairs)
        sign = np.where(pairs.verdict == "faster", 1, -1)
        wrong.append((called & (equal | (sign * true < 0))) | (apart & (pairs.verdict == "same")))
        found = leaders_of(len(series), pairs)
        lost.append(not found.contenders & {0, 1})
        settled.append(found.settled)
    table = np.array(wrong)
    return Outcome(
        identical_called_different=float(table[:, equal].mean()),
        wrong=float(table.mean()),
        problems_with_a_wrong_verdict=float(table.any(axis=1).mean()),
        fastest_lost=float(np.mean(lost)),
        settled=float(np.mean(settled)),
        turns=float(np.mean([sum(one.rounds.size for one in series) for series in made])),
    )


# --- recorded runs ------------------------------------------------------------------------------------------------


def recorded(folders: Sequence[Path]) -> Iterator[tuple[str, ...]]:
    """What the first start of a recorded run says by itself, beside what all of its starts say."""
    yield "run", "pairs", "start sd", "decided by all", "decided by the first", "of these not by all", "against all"
    for folder in folders:
        problems: dict[tuple[str, int], list[Series]] = {}
        for cell in load_run(folder).cells:
            if cell.comparable_to_others:
                problems.setdefault((cell.problem.id, cell.threads), []).append(series_of(cell))
        by_all = [pair_up(series) for series in problems.values()]
        usual = usual_disagreement(by_all)
        by_all = [pair_up(series, usual=usual) for series in problems.values()]
        once = replace(usual, first_look=1)
        by_first = [pair_up([first_rounds(one) for one in series], usual=once) for series in problems.values()]
        whole, alone = (np.concatenate([pairs.verdict for pairs in found]) for found in (by_all, by_first))
        decided = np.isin(alone, ("faster", "slower"))
        against = decided & (whole != alone) & (whole != "undecided")
        yield (
            *(
                folder.name,
                str(whole.size),
                percent(usual.start_sd),
                percent(float(np.isin(whole, ("faster", "slower")).mean())),
            ),
            *(
                percent(float(decided.mean())),
                str(int((decided & (whole == "undecided")).sum())),
                str(int(against.sum())),
            ),
        )


def first_rounds(series: Series) -> Series:
    """The rounds of a screening: the first ones of the first start."""
    own = np.flatnonzero(series.rounds < SCREENING)
    return Series(series.log_seconds[own], series.rounds[own], series.processes[own])


# --- printing -----------------------------------------------------------------------------------------------------


def percent(share: float) -> str:
    """With two digits behind the point."""
    return f"{100 * share:.2f} %"


def table(rows: Iterator[tuple[str, ...]]) -> None:
    """Print as Markdown."""
    for number, row in enumerate(rows):
        print("|", " | ".join(row), "|", flush=True)
        if not number:
            print("|", " | ".join(["---"] * 2 + ["---:"] * (len(row) - 2)), "|")
    print()


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="folders of recorded runs with three starts")
    parser.add_argument("--quick", action="store_true", help="a tenth of the problems")
    options = parser.parse_args()
    few = 10 if options.quick else 1
    table(few_starts(200 // few))
    table(whole_course(200 // few))
    if options.runs:
        table(recorded(options.runs))


if __name__ == "__main__":
    main()
