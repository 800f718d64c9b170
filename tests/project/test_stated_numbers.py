"""Sentences of the documents that state a rule's number, held to the constant that the code goes by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import pytest
from places import ROOT

from pointwise_bench.backends import naive_loops
from pointwise_bench.report.analysis.trust import health
from pointwise_bench.report.reading import value_readers
from pointwise_bench.report.statistics.looks import PRICE_OF_ORDER, price_of_look
from pointwise_bench.report.statistics.sequential_signs import more_to_tell
from pointwise_bench.report.statistics.starts import Disagreement
from pointwise_bench.suites.harness.design import chances, controls
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.machine import fma_kernel
from pointwise_bench.suites.harness.timing.clock import LONGEST, PARTS as PARTS_OF_A_TURN
from pointwise_bench.suites.harness.verify import error_bounds
from pointwise_bench.suites.harness.worker import channel, limits, process
from pointwise_bench.suites.harness.worker.started import started_processes

WORDS: Final[dict[float, str]] = {
    **{2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine", 10: "ten"},
    **{14: "fourteen", 16: "sixteen", 20: "twenty"},
}
PARTS: Final = {
    0.9: "nine tenths",
    3 / 4: "three quarters",
    1 / 2: "half",
    1 / 4: "a quarter",
    1 / 5: "a fifth",
    1 / 8: "an eighth",
    1 / 16: "a sixteenth",
    1 / 20: "a twentieth",
}
ORDER: Final = POLICY.verdict.alpha / PRICE_OF_ORDER
NOTHING_KNOWN: Final = Disagreement(first_look=1)
ROUNDOFF: Final = error_bounds.UNIT_ROUNDOFF
TIMES: Final[dict[float, str]] = {1: "once", 2: "twice", 3: "three times", 4: "four times"}

ROUNDS, BUDGET, TIMING, ACCEPTANCE, GATE, CLAIMS, VERDICT = (
    *(POLICY.rounds, POLICY.budget, POLICY.timing, POLICY.acceptance, POLICY.gate, POLICY.claims, POLICY.verdict),
)
SCREENING, CONTROLS, SEQUENCE, NEARNESS = (*(POLICY.screening, POLICY.controls, POLICY.sequence, POLICY.nearness),)
SLOWED: Final = [control.percent for control in controls.CONTROLS if control.percent]


def power(value: float) -> str:
    """A power of two as the documents write it."""
    exponent = value.as_integer_ratio()[1].bit_length() - 1
    assert value == 2.0**-exponent
    return f"2^-{exponent}"


def lacking(starts: int, backends: int = 18) -> float:
    """By how much the interval of a pair whose starts agree is wider, before anything is known, as a log ratio."""
    return float(NOTHING_KNOWN.shifts(look(starts, backends), starts, np.zeros(1))[0])


def look(starts: int, backends: int) -> float:
    """The share of false verdicts allowed to one of a backend's rivals after so many starts."""
    return VERDICT.alpha / (backends - 1) / price_of_look(starts, first_look=1)


def us(seconds: float) -> str:
    """A duration as the documents write it."""
    return f"{seconds * 1e6:g} us"


def probe(dtype: str) -> str:
    """The small term of the precision probe."""
    return f"2^-{error_bounds.PROBE_BITS[dtype]}"


METHODOLOGY: Final = (
    # cases and gate
    f"A float16 holds every integer up to {error_bounds.EXACT_INTEGERS['float16']}",
    f"a bfloat16 up to {error_bounds.EXACT_INTEGERS['bfloat16']}",
    f"a precision probe, `1 + {probe('float32')}` in one channel",
    f"(`{probe('float64')}` for float64; `{probe('float16')}` for float16",
    f"`{probe('bfloat16')}` for bfloat16",
    f"`min(gamma_K, {GATE.cap_in_roundoffs:g} u)`",
    f"carried in float32 at least (`u = {power(ROUNDOFF['float32'])}` above)",
    f"with `u_out` of {power(ROUNDOFF['float16'])} and {power(ROUNDOFF['bfloat16'])}",
    f"`2 v + v^2` with `v = {power(error_bounds.REDUCED['tf32'])}`",
    f"up to {WORDS[GATE.new_inputs]} of them, one of which must take less than {TIMES[GATE.remembering]} as long",
    f"Then many calls on one input, for {PARTS[GATE.audited_share]} of the time of its turns",
    f"is called on {GATE.thorough_calls:,} times, for {GATE.thorough_s:.0f} s at most, on every problem",
    # timing
    f"in batches of {TIMING.warm_up_batch_s * 1e3:.0f} ms until one beats the best before it",
    f"by no more than {100 * TIMING.level_within:.0f} %, for at most {TIMING.longest_warm_up_s:.0f} s",
    f"**Rounds**, {ROUNDS.usual} in each pass",
    f"about {ROUNDS.warm_s * 1e3:.0f} ms of calls (one at least) that are thrown away",
    f"about {ROUNDS.turn_s * 1e3:.0f} ms of calls (one at least) on the clock",
    f"would take more than {ROUNDS.slow_s} s takes part in the first few only, {WORDS[ROUNDS.fewest]} at least",
    f"A turn whose calls take {ACCEPTANCE.turn_given_up_at:.0f} times as long as all of them would",
    f"none ends within {ACCEPTANCE.shortest_given_up_s} s",
    f"Calls of less than {TIMING.interval_s * 1e3:g} ms are timed several at once",
    f"no more than {PARTS[1 / PARTS_OF_A_TURN]} of a turn",
    f"At the latest they end after {TIMES[LONGEST]} as many",
    f"take {WORDS[ACCEPTANCE.slow_interval]} times as long as foreseen, fewer come next",
    f"A worker is woken for some {(ROUNDS.warm_s + ROUNDS.turn_s) * 1e3:.0f} ms",
    f"larger than {TIMES[TIMING.last_level_caches]} the last-level cache",
    f"at most {TIMING.most_copies:,} of them and {PARTS[TIMING.share_of_memory]} of the free memory",
    # passes in sequence
    f"Each of {SEQUENCE.fewest_rounds} to {SEQUENCE.most_rounds} rounds has the layers alone and one pass",
    f"Of a time budget that takes {100 * SEQUENCE.share:.0f} % at most",
    f"with less than {WORDS[SEQUENCE.shortest_budget_s / 60]} minutes it is left out",
    # acceptance
    f"may exceed the thread budget by at most {ACCEPTANCE.budget_tolerance}",
    f"a turn {WORDS[ACCEPTANCE.long_turn]} times as long, kept to no cores either",
    f"a turn of {ACCEPTANCE.glance_s * 1e3:.0f} ms where the usual ones leave no doubt, on the first problem of each "
    f"worker and on one in {WORDS[ACCEPTANCE.glanced_at]} others",
    f"{WORDS[ACCEPTANCE.telling_turns]} of which, of {ACCEPTANCE.telling_turn_s} s and more, must show that",
    f"of {ACCEPTANCE.closely_telling_turn_s} s and more where less than {100 * ACCEPTANCE.most_unexplained:.0f} % of "
    f"the turn is missing, and over {100 * ACCEPTANCE.closely:.0f} %",
    f"no call may be {TIMES[ACCEPTANCE.implausibly_fast]} faster than the measured FMA peak allows",
    f"after {ACCEPTANCE.settled_s} s they must rest",
    # passes and time
    f"All problems are gone through {TIMES[ROUNDS.passes]}",
    f"get further passes, {WORDS[ROUNDS.most_passes - ROUNDS.passes]} at most",
    f"{WORDS[ROUNDS.telling]} at least ({WORDS[ROUNDS.fewest]} for slow backends",
    f"longer than {PARTS[BUDGET.patience_share]} of what is left",
    f"of what is left ({WORDS[BUDGET.shortest_patience_s]} seconds at least)",
    f"or {PARTS[SCREENING.first_patience_share]} of it on a worker's first problem",
    # screening and finals
    f"*Screening* takes at most {100 * SCREENING.share:.0f} % of the time, "
    f"and {100 * SCREENING.share_beside_others:.0f} % where other programs keep over "
    f"{100 * SCREENING.busy_others:.0f} % of the cores busy",
    f"the screening takes {100 * SCREENING.short_share:.0f} % of it",
    f"into {SCREENING.most_share} times what is left for the screening",
    f"in one start, in {SCREENING.rounds} rounds: the median",
    f"more than {SCREENING.far:g} times slower than the fastest by the warm-up takes part in {SCREENING.far_rounds}",
    f"says more than {ROUNDS.doubted:g} times what other problems foresee of the backend, "
    f"and {1e3 * ROUNDS.doubted_s:g} ms, is asked for again, {ROUNDS.warm_ups} times in all",
    f"more than {SCREENING.fair_share} times what those that take less take in the median (half of all",
    f"({100 * SCREENING.scouting_share:.0f} % of the screening's time)",
    f"({SCREENING.near_in_haste:g} times and in {SCREENING.rounds_in_haste} rounds, where not every network would be",
    f"begins with {SCREENING.most_scouts} problems that are spread",
    f"up to {100 * (1 - SCREENING.least_kept):.0f} % of the time that is kept for the finals",
    f"Cores are apart where a hop takes {NEARNESS.times:.1f} times what it does as a rule, the lower quartile",
    f"is taken again, {TIMES[NEARNESS.most_again]} at most,",
    f"so is one, {ROUNDS.far_warm_ups} times in all, by which somebody is as far from the fastest",
    f"it is waited for up to {NEARNESS.most_wait_s:g} s until they are near",
    f"takes {100 * NEARNESS.share:g} % of the time at most (and {NEARNESS.least_s:g} s), "
    f"{100 * NEARNESS.share_in_haste:g} % where the time is too short for every network and "
    f"{100 * NEARNESS.share_of_finals:g} % in the finals",
    f"over {100 * SCREENING.most_start_share:.0f} % of the time left to start, and {SCREENING.least_start_s:g} s",
    f"over {100 * SCREENING.most_own_share:g} % of it for its quickest problem, and {SCREENING.least_own_s:g} s",
    f"needs no more than {100 * SCREENING.share_of_second:.0f} % of the time for starting and all its problems",
    f"within {SCREENING.near} times the best on one of them (",
    f"and the nearest {SCREENING.fewest_near} in any case",
    f"further starts, of {SCREENING.final_rounds} rounds,",
    f"every {SCREENING.look_again} problems it is looked whether the rest still fits",
    f"on {CONTROLS.problems} problems that it leads and whose calls take {CONTROLS.shortest_s * 1e3:g} to",
    f"to {CONTROLS.longest_s * 1e3:.0f} ms: as it is, and slower by {SLOWED[0]:g} % and by {SLOWED[1]:g} %",
    f"they take {100 * CONTROLS.share:.0f} % of the time at most",
    # workers
    f"It may use {PARTS[limits.SHARE]} of the memory that is free at its start",
    f"write no file above {limits.LARGEST_FILE / limits.GIB:.0f} GiB",
    f"looked at every {PARTS[channel.LOOK_UP_S]} second",
    # ceilings
    f"the best of {', '.join(map(str, fma_kernel.LANE_BYTES[:-1]))} and {fma_kernel.LANE_BYTES[-1]} byte vectors",
    f"on working sets from {POLICY.ceilings.smallest_set_bytes // 1024} KiB",
    # claims
    f"A turn is about {CLAIMS.turn_s * 1e3:.0f} ms of calls (one at least), after one call unseen",
    f"where a call is shorter than {CLAIMS.long_s * 1e3:.0f} ms",
    f"{WORDS[CLAIMS.fewest_rounds]} to {WORDS[CLAIMS.most_rounds]} rounds in each start",
    f"takes over {PARTS[CLAIMS.longest_round_s]} a second is refused",
    f"a budget of {CLAIMS.alone_s:.0f} s unless `--time-budget` says otherwise",
    f"{100 * CLAIMS.share:.0f} % of it for the claims",
    f"waited for {CLAIMS.most_wait_s:.0f} s at a claim, {TIMES[CLAIMS.most_time_outs]}",
    f"in such a run {CLAIMS.longest_wait_alone_s:.0f} s at a cell",
    # verdicts
    f"confidence of {100 * (1 - VERDICT.alpha):.0f} %",
    f"The margin of practical equality is {100 * VERDICT.margin:.0f} %",
    f"counts as {WORDS[VERDICT.usual_counts_as]} degrees of freedom",
    f"added up as errors of which {100 * VERDICT.common_to_layers:.0f} % are common to all layers",
    # screening and finals
    f"and {SCREENING.rounds} rounds in each, or {SCREENING.far_rounds};",
    f"{100 * VERDICT.typical_quantile:.0f} % of the run's pairs stay below",
    f"({100 * VERDICT.typical_round_sd:.0f} % before any is known)",
    f"Student's with `n + {VERDICT.usual_counts_as - 1}` degrees of freedom",
    f"a standard deviation of {100 * VERDICT.start_sd:.0f} %, which counts as {VERDICT.start_sd_counts_as} starts",
    f"with 18 backends, that is {100 * lacking(1):.1f} % for one start, {100 * lacking(2):.1f} % for two and "
    f"{100 * lacking(3):.1f} % for three that agree",
    f"Fewer than {VERDICT.fewest_common_rounds} rounds decide nothing",
    "starts have 1/{}, 1/{} and 1/{} of the error".format(*(price_of_look(starts, 1) for starts in (1, 2, 3))),
    f"Where one rival is left, {WORDS[1 + more_to_tell(1, 0, ORDER)]} starts on one side tell, or "
    f"{WORDS[2 + more_to_tell(2, 1, ORDER)]} but for one",
    f"more than {naive_loops.PATIENCE_S} s per call, by their predicted time",
)

RESULTS_FORMAT: Final = (
    f"Names have up to {value_readers._LONGEST_NAME} characters",
    f"of a title {value_readers._LONGEST_NAME} characters are shown",
    f"A time lies between {value_readers.SHORTEST_S:.0e}".replace("e-0", "e-"),
    f"over {health.CANARY_LIMIT} times its usual time in more than {100 * health._DISTURBED_SHARE:.0f} % of the rounds",
    f"differs by more than {100 * (health._PEAK_LIMIT - 1):.0f} % between two phases",
    f"stolen time is more than {100 * health._STEAL_SHARE:.0f} % of the wall time",
    f"the first round of each of the {WORDS[ROUNDS.passes]} passes",
    f"would take over {PARTS[CLAIMS.longest_round_s]} a second",
)

ROW: Final = (1e-4, 5e-4, 1e-3, 5e-3, 2e-2)
"""Seconds of a call, in the table of SECURITY.md."""


def row(title: str, calls: Callable[[float], float]) -> str:
    """A row of that table: the chances in 100 of finding one wrong call in 300."""
    return f"| {title} | " + " | ".join(f"{100 * chances.found(300, calls(each)):.0f}" for each in ROW) + " |"


SECURITY: Final = (
    f"called on for {PARTS[GATE.audited_share]} of their time, {GATE.most_audited:,} times at most",
    f"a small layer that it is called on {POLICY.properties.searched:,} times once in a run",
    f"is called on {GATE.thorough_calls:,} times, for {GATE.thorough_s:.0f} s at most, on every problem",
    f"over {100 * ACCEPTANCE.closely:.0f} % of a long turn may not be missing",
    f"none in 166 turns, or as few as chance would leave in one of {1 / GATE.kept_back_chance:,.0f}",
    "| | " + " | ".join(f"{each * 1e3:g} ms" for each in ROW) + " |",
    row(f"{TIMES[ROUNDS.passes].removesuffix(' times')} starts of {ROUNDS.usual} turns", chances.looked_at),
    row(
        f"one start of {SCREENING.rounds} turns, as in a screening",
        lambda each: chances.looked_at(each, SCREENING.rounds, 1),
    ),
    row("once its backend is suspected", chances.searched),
    f"tell {PARTS[GATE.least_told]} of a stretch of calls that takes {GATE.stretch_s * 1e3:.0f} ms",
    f"of a single call {PARTS[GATE.least_of_a_call]} of what it takes beyond {TIMES[GATE.marking]} two marks",
    f"in the first turn and in one of {WORDS[GATE.clock_held_in]}",
    f"in {100 * chances.found(300, POLICY.properties.searched):.0f} of 100 runs by the small layer alone",
    f"{PARTS[limits.SHARE]} of the memory that is free at its start, by `RLIMIT_DATA`",
    f"looked at {TIMES[round(1 / channel.LOOK_UP_S)]} a second",
    f"{limits.LARGEST_FILE / limits.GIB:.0f} GiB a file by `RLIMIT_FSIZE`",
    f"over {started_processes.MOST_UNWAITED:,} that nobody waited for end their worker",
    f"over {started_processes.MOST_OUTSIDE}, or over {PARTS[1 / started_processes.SHARE_OF_DESCRIPTORS]} of those",
    f"one of an array that was ready, but for {us(GATE.first_reading_s)}, and {us(GATE.any_reading_s)} at most",
    f"{PARTS[GATE.hidden_at_most]} of a call and {us(GATE.first_reading_s)}, or {us(GATE.any_reading_s)} where",
    f"what copying takes {WORDS[GATE.copies_in_reading]} times and {GATE.reading_s * 1e3:g} ms",
    f"a chain that is not stopped in {WORDS[started_processes.MOST_ROUNDS]} looks",
    f"when they have been told so for {process.LONGEST_STOP_S:.0f} s",
)

STATED: Final = {
    "docs/METHODOLOGY.md": METHODOLOGY,
    "docs/RESULTS_FORMAT.md": RESULTS_FORMAT,
    "SECURITY.md": SECURITY,
    "docs/WHAT_IT_BUYS.md": (f"with {100 * (1 - VERDICT.alpha):.0f} % confidence",),
}


@pytest.mark.parametrize(
    ("document", "sentence"), [(document, each) for document, sentences in STATED.items() for each in sentences]
)
def test_a_stated_number_is_the_codes_own(document: str, sentence: str) -> None:
    assert sentence in " ".join((ROOT / document).read_text().split())
