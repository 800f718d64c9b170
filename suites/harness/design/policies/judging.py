"""Constants of judging: when a time is published, when an answer is right, and when two backends differ.

Times are in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from pointwise_bench.common import verdict_rule


@dataclass(frozen=True, kw_only=True)
class AcceptancePolicy:
    """Limits that a timed backend must keep to, or its time is not published."""

    budget_tolerance: float = 0.1
    """CPU seconds over wall seconds may exceed the thread budget by this much."""
    implausibly_fast: float = 3.0
    """A call that beats the measured peak by this factor did not do the work. The factor is wide because the peak
    itself may have been measured in a bad moment; a replayed answer beats it by a hundred."""
    least_unexplained_s: float = 0.003
    """Where answers come this much later than the worker's own clock explains, the clock is checked in a long turn.
    Waking and asking a worker takes a millisecond, several on a loaded machine, ten where its own idle threads spin on
    every core and leave none to others. Such a delay does not grow with a turn that is many times as long, of which a
    false clock hides a share. Delays alone had voided the times of a correct backend in 15 of 494 cells on all
    cores."""
    most_unexplained: float = 0.6
    """Share of a turn that may be unexplained, however long."""
    latest_s: float = 0.0012
    """The same where even the quickest answer of all turns comes this much later, and beyond that by a share ..."""
    doubted: float = 0.05
    """... of the turn. Of twelve turns each the quickest was late by 0.3 to 0.9 ms, with five programs on two cores."""
    moved_s: float = 0.0002
    """The same where a worker says that this much more has passed beside its timed calls than calls, filling and looks
    explain, and that share of the turn beyond it."""
    glance_s: float = 0.032
    """By the harness's clock, of a turn that is taken where the usual ones leave no doubt, unless these are as long: of
    4 ms ``latest_s`` is a third, so that a clock that runs a seventh slower had passed undoubted."""
    glanced_at: int = 8
    """On the first problem of each worker, where a backend is suspected, and on one in so many others."""
    closely: float = 0.12
    """Share of a long turn that may be unexplained beyond ``latest_s``. Beside a load of six programs to a
    core JAX's garbage, which is searched for when a turn is over, took 8 to 11 % of turns of 2 to 3 s."""
    filled_per_s: float = 3e9
    """Bytes of inputs that can be filled at the least, ..."""
    between_calls: float = 0.06
    """... and share of a turn between its timed calls, where looks are drawn: what else a worker says has passed beside
    timed calls is not believed."""
    long_turn: int = 16
    """Times as many calls as a turn has, in a turn that looks into a doubt."""
    telling_turn_s: float = 0.5
    """Of a turn that can convict a worker's clock: shorter ones had convicted 17 of 640 correct cells, beside a load of
    seven programs to a core ..."""
    closely_telling_turn_s: float = 2.0
    """... or of so many seconds where less is missing than ``most_unexplained``: delays do not grow with it ..."""
    telling_turns: int = 3
    """... so many of which must show it, ..."""
    most_long_turns: int = 8
    """... of these at most, which grow."""
    most_idle: float = 0.5
    """CPU seconds over wall seconds while nobody calls. Threads that wait for a next call may spin (OpenMP's do so for
    0.2 s), but not for ever."""
    settled_s: float = 0.4
    """After the last call, from when on they must rest."""
    watched_s: float = 0.03
    """How long it is looked whether they do."""


@dataclass(frozen=True, kw_only=True)
class GatePolicy:
    """Tolerances of the gate, which judges whether an answer is right and is computed within the clock."""

    cap_in_roundoffs: int = 32
    """Of the bound on an error, in unit roundoffs. What any order of summation may reach grows with the number of
    terms; good code stays far below it, and from 1024 terms on it is so wide that TensorFloat-32 would pass. Correct
    float32 results were seen under 5.1 up to 4096 terms."""
    rewarm_s: float = 0.001
    """Of calls on the old input before a new one."""
    old_calls: int = 3
    """As many of those at least ..."""
    old_calls_s: float = 0.1
    """... unless they take longer than this."""
    new_inputs: int = 8
    """That are tried at most before a backend is held to remember its answers."""
    remembering: float = 3.0
    """Times slower on a new input than on the old one: no cache of the processor's explains that."""
    times_asked: int = 5
    """Before work outside the clock is held for proven."""
    reading_s: float = 200e-6
    """That a library may take to hand over one result, at its slowest."""
    ready: float = 3.0
    """Times what any array takes that a result may take to be read from a device, or an input to be brought ..."""
    ready_slack_s: float = 50e-6
    """... beyond this; for reading, beyond ``reading_s``."""
    readings: int = 3
    """Of a result, of which the fastest counts: a disturbance only adds."""
    first_reading_s: float = 1.5e-6
    """Of processor time, that the first reading of a part of a result may take more than the second, or than that of an
    array which was ready, each of them right behind a call, beside ``hidden_at_most`` of the call. Of six libraries it
    was 1 us at most on small layers. With the second reading right behind the first, which had brought what it needs
    into the caches, JAX was refused for a gradient that it returns in two parts ..."""
    any_reading_s: float = 10e-6
    """... and that reading each part of a result that was just read may take, beside the same share: 5 us at most, of
    six libraries. Behind a call, where caches are cold, the first may take ``ready`` times as long: 21 us were seen."""
    copies_at_once: float = 3.0
    """A result that is read within so many times what copying it takes was there already."""
    hidden_at_most: float = 0.05
    """Of a call: whoever is read within this share of what the call takes has hidden no more than that. Reading what
    other threads wrote takes 0.1 ms, for which such backends had paid with pauses of 80 ms a cell."""
    pause_s: float = 0.005
    """Shortest pause before a result is read once more, in which work that goes on after the call ends; or twice as
    long as reading it at once took, if that is longer."""
    faster_later: float = 4.0
    """A result that is read so many times faster after the pause was not finished before it."""
    copies_in_reading: float = 10.0
    """Reading a finished result may take so many times what copying it takes; beyond it, something is computed."""
    shown_in: int = 8
    """Turns of which one result is looked at, of a call that is drawn once it is over."""
    kept_back_chance: float = 1e-9
    """That so few results of all turns of a backend are drawn as it has shown, below which it is held to keep them
    back: none in 166 turns."""
    sampled_macs: int = 2_000_000
    """Multiply-adds of the rows that a result of the timed calls is held against; one row of each group at least. Four
    rows of a usual layer miss who leaves a half of them out once in sixteen times, nine once in five hundred."""
    most_audited: int = 1000
    """Calls on one input, after each start's turns, of which the oddest result is judged: a layer that is wrong once in
    300 calls passes so many in one of 28 times ..."""
    audited_share: float = 0.125
    """... within so much of the time of its turns. In three starts of 80 turns of 4 ms that is 900 calls of a layer up
    to 0.13 ms, with which one in 300 is found in 95 of 100 cells. Of one that takes 1 ms it is 120 calls, which find it
    in 33 of 100 cells: as many as it would take are as long as all timed calls together. A backend that has the fault
    on small layers too shows it there."""
    thorough_calls: int = 2000
    """The same of a backend that was found so on some problem, on each problem that it is timed on: one in 300 passes
    so many in one of 800 times ..."""
    thorough_s: float = 10.0
    """... within so much time, or half of what its time-out leaves. Nobody else pays for that."""
    stretch_s: float = 0.004
    """Of calls between two marks of a device's timer, each waited for: of so long a stretch what marking takes is a
    small share, however short a call is. PoCL's queue, busy with copies, told 98 % of it and more on two cores that six
    programs shared."""
    least_told: float = 0.9
    """Of such a stretch a timer must tell so much, or is held to be wrong."""
    least_of_a_call: float = 0.75
    """Of single calls a timer must tell so much of what is left of a call ..."""
    marking: float = 3.0
    """... without so many times what two marks take that have nothing between them."""
    most_told: float = 1.05
    """A device's timer may tell so many times what the call took, of which it has seen a part."""
    clock_held_in: int = 8
    """Turns of which one has its device's timer held so, drawn when that has told its times; and the first of all."""
    slack_s: float = 20e-6
    """By which two readings of the clock may differ for no reason."""


@dataclass(frozen=True, kw_only=True)
class VerdictPolicy:
    """The rule by which the report decides and a run judges what is worth another pass: ``common.verdict_rule``."""

    margin: float = verdict_rule.MARGIN
    alpha: float = verdict_rule.ALPHA
    planned_starts: int = verdict_rule.PLANNED_STARTS
    usual_counts_as: int = verdict_rule.USUAL_COUNTS_AS
    start_sd: float = verdict_rule.START_SD
    start_sd_counts_as: int = verdict_rule.START_SD_COUNTS_AS
    typical_round_sd: float = verdict_rule.TYPICAL_ROUND_SD
    typical_quantile: float = verdict_rule.TYPICAL_QUANTILE
    round_sd: float = verdict_rule.ROUND_SD
    round_sd_quantile: float = verdict_rule.ROUND_SD_QUANTILE
    fewest_common_rounds: int = verdict_rule.FEWEST_COMMON_ROUNDS
    common_to_layers: float = verdict_rule.COMMON_TO_LAYERS
