"""Every constant of measuring, with its unit and its reason, in one object that a run records in ``run.json``.

Two runs that were measured by different rules are told apart by it. Times are in seconds.

What runs beside a plugin's code, in a worker, binds the values that it needs to names of its own module before any
plugin is loaded: a frozen dataclass can still be changed by ``object.__setattr__``. Everybody else reads
:data:`POLICY` when the value is needed. A test replaces the object in the module that it is about, or in this one
before the rest of the harness is imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from pointwise_bench.common import verdict_rule
from pointwise_bench.common.verdict_rule import PLANNED_STARTS


@dataclass(frozen=True, kw_only=True)
class RoundsPolicy:
    """Turns, rounds and passes: how often each backend is measured on a problem."""

    turn_s: float = 0.004
    """Of timed calls in one turn: shorter than the spells in which a machine is fast or slow."""
    warm_s: float = 0.001
    """Of untimed calls before them: refills the caches that the previous backend's turn has emptied."""
    turn_overhead_s: float = 0.001
    """Of waking, asking and stopping a worker, in foreseeing what a turn takes."""
    passes: int = PLANNED_STARTS
    """Starts of every worker: what a process keeps for life differs from one start to the next."""
    most_passes: int = 2 * PLANNED_STARTS
    """Without a time budget, for a problem whose backends cannot be told apart."""
    most_passes_in_budget: int = 24
    """The same with a time budget, which ends earlier as a rule."""
    usual: int = 80
    """Rounds of one pass without a time budget: about as long as a start and the gate take."""
    fewest: int = 5
    """Rounds of one pass; three times five tell any two of forty backends apart, if all agree."""
    telling: int = 8
    """Fewest rounds of one pass but for slow backends, however short the time: three times eight tell any two of twenty
    backends apart, a few rounds to the contrary included. Three times four told nobody among eighteen and saved a tenth
    of the time: the rest is what a trial costs before its first round."""
    most: int = 100
    """Rounds of one pass, however long the time."""
    slow_s: float = 0.8
    """A backend whose rounds of one pass would take longer than this takes part in the first few only."""
    alike: float = 1.5
    """Largest step in speed between two backends that get the same number of calls in a turn."""
    span: float = 4.0
    """Largest factor between the fastest and the slowest of those."""


@dataclass(frozen=True, kw_only=True)
class BudgetPolicy:
    """How a time budget is spent."""

    closing_share: float = 1 / 16
    """Of a budget, kept back for publishing the cells and for writing the report ..."""
    longest_closing_s: float = 6.0
    """... but no more than this."""
    shortest_settling_s: float = 5.0
    """Left time below which no further pass is begun: it must at least start every worker again."""
    gauging_share: float = 0.02
    """Of a budget, for measuring the ceilings once more between two passes ..."""
    last_gauging_share: float = 0.04
    """... and for doing so at the end."""
    patience_share: float = 0.2
    """Of what is left, for one answer of one backend ..."""
    shortest_patience_s: float = 3.0
    """... but no less than what importing a large library takes."""
    overhead_at_first_s: float = 1.0
    """What a problem is foreseen to take outside of the rounds before any was measured: setting up, mostly."""


@dataclass(frozen=True, kw_only=True)
class ScreeningPolicy:
    """Who meets whom within a time budget: everybody in the screening, who can still win in the finals."""

    share: float = 0.6
    """Of the time for measuring, for the screening at most: the rest tells the leaders apart."""
    short_share: float = 0.9
    """The same where the time is too short for everybody everywhere: whole networks come before close calls."""
    scouting_share: float = 0.2
    """Of the same, for the problems on which everybody meets where the time is too short for everybody everywhere."""
    fewest_scouts: int = 2
    """Of those problems: one alone may be the odd one."""
    most_scouts: int = 12
    """More of them tell hardly more about who is near."""
    near: float = 1.3
    """Times slower than the best of one scout, within which a backend goes on to all problems ..."""
    near_in_haste: float = 1.1
    """... and where the time is too short for every network with those, which takes nine of fifteen on noisy days."""
    fewest_near: int = 4
    """Who goes on though nobody is as near: of a leader it is asked how far the next is behind."""
    far: float = 1.6
    """Times slower than the fastest, beyond which a backend takes part in a few rounds of the screening only ..."""
    far_rounds: int = 4
    """... namely these: enough for their range, which is widened by what rounds scatter."""
    rounds: int = 12
    """Of the others: the median of so many is off by less than what one start shifts. More of them tell little."""
    fair_share: float = 3.0
    """Times what the others take in the mean that one backend may take; beyond it, it is given fewer problems."""
    share_of_dear: float = 0.1
    """Of a time that is too short for everybody, for such backends among those that go on."""
    look_again: int = 6
    """Problems after which it is looked whether the rest of the screening still fits ..."""
    most_share: float = 1.1
    """... into this part of what is left for it: what is foreseen from the first problems is too much rather than too
    little, since some backends still compile on them."""
    final_rounds: int = 12
    """Of one pass of the finals: starts disagree more than a median over so many rounds does (1 % and 0.7 % on a calm
    machine), so the time goes to starts. With twenty, the turns of seven backends took 1.05 of a trial's 1.5 s."""
    most_start_share: float = 0.2
    """Of a budget; a backend whose worker would need longer until its first time is left out of the run. With three
    tenths, torch-compile had a quarter of a minute for its first kernel."""
    least_start_s: float = 4.0
    """That it must need in any case to be left out: of the few seconds that a run of claims has for its cells, what a
    usual backend needs is more than a share."""
    most_own_share: float = 0.015
    """Of the same, that a backend may add to the quickest of its problems: in a minute a compiler of a second for each
    would take a third of the time for scouts."""
    least_own_s: float = 0.5
    """That it must add in any case to be left out: others add a tenth of a second, more on a loaded machine."""
    least_kept: float = 0.85
    """Of what is kept for the finals, what is left to them though the screening takes longer than foreseen."""
    first_patience_share: float = 0.5
    """Of what is left of a budget, for the answers of a worker on its first problem: it imports and compiles what later
    problems, and other backends, find compiled."""


@dataclass(frozen=True, kw_only=True)
class ControlsPolicy:
    """The leader under other names: what a run proves its own verdicts with."""

    share: float = 0.03
    """Of a time budget, for all of it."""
    problems: int = 3
    """On which they run."""
    shortest_s: float = 100e-6
    """Of a call: a share of it is waited for."""
    longest_s: float = 5e-3
    """Of a call: a longer one costs too much."""


@dataclass(frozen=True, kw_only=True)
class CostsPolicy:
    """What a backend is foreseen to cost before any was measured on the machine. Seconds of wall time on one core."""

    start_s: float = 1.2
    """Starting a worker and asking what it lacks."""
    first_s: float = 1.5
    """Beyond the usual, on the first problem of a worker: imports and first compilations."""
    again_s: float = 1.0
    """The same in a later start of one run, at most: nothing is compiled anew."""
    untimed_s: float = 0.045
    """Preparing and answering the gate on one problem, a tiny one."""
    alone_s: float = 0.04
    """What judges by time on one problem: the warm-up and the last checks."""
    ceilings_s: float = 4.0
    """One look at the ceilings, its process started."""
    problem_s: float = 0.05
    """A tiny problem's cases and reference, whoever takes part."""
    untimed_calls: int = 13
    """Of preparing and answering: of loops in Python on two million multiply-adds they are 1.3 s of 1.35."""
    alone_calls: int = 8
    """Of the warm-up and the last checks, where a call takes longer than a batch of the warm-up."""
    most_beyond: float = 3.0
    """Times what was foreseen that preparing and answering counts at most in what is learnt of it ..."""
    least_cost_s: float = 0.01
    """... and so much more."""
    serial_share: float = 0.25
    """Of preparing and answering, what one thread does alone. Six backends with two threads kept 1.7 of two cores busy
    on a layer of 51 million multiply-adds, and 1.4 on one of 10 million, which makes it 0.16 and 0.45. Two of them
    beside each other took 398 and 252 ms for all six, where one by one took 345 and 223 ms."""
    multiply_adds_per_s: float = 2e10
    """Of one thread, for foreseeing how long a turn takes."""
    took_of_foreseen: float = 0.95
    """What a trial takes of all this: where workers are asked beside others, their waiting for them counts twice."""
    counts_as: int = 2
    """How many problems all of this counts as, beside what was measured since."""
    remembered: int = 40
    """How many of the last problems count in what is foreseen."""


@dataclass(frozen=True, kw_only=True)
class TimingPolicy:
    """The warm-up, the inputs of a cold cache, and the canary."""

    level_within: float = 0.05
    """Warm-up ends when a batch beats the best one before it by no more than this ..."""
    longest_warm_up_s: float = 1.0
    """... or when this much time has gone."""
    warm_up_batch_s: float = 0.005
    """Of one batch of the warm-up, of which most backends need three: a turn is as long."""
    interval_s: float = 50e-6
    """Of timed calls between two readings of the clock, of shorter calls: reading it and drawing takes 1 to 3 us."""
    window_lines: int = 64
    """With a hot cache, cache lines that the block is longer than the input of a call, which may begin at any of them:
    a page, which no cache is too small for."""
    last_level_caches: int = 2
    """Inputs of equal values in rotation are larger than this many of them, so that none is still there when its turn
    comes again ..."""
    most_copies: int = 2**16
    """... but no more copies than this ..."""
    share_of_memory: float = 1 / 8
    """... and no more than this part of the free memory."""
    canary_products: int = 160
    """Of small matrices in one beat: 0.2 to 1 ms on a current core, long beside waking a second thread."""
    canary_beats: int = 40
    """Before the run, of which the quickest tenth is the canary's baseline."""


@dataclass(frozen=True, kw_only=True)
class CeilingsPolicy:
    """How the FMA peak and the bandwidth of the machine are measured."""

    burst_s: float = 0.005
    """Of one measurement: long against starting threads, short enough to find a quiet moment."""
    repeats: int = 5
    """Measurements in a row, of which the fastest counts: a ceiling is what can be reached at best."""
    kernel_repeats: int = 3
    """How often all kernels are gone through, so that one disturbance cannot halve a peak."""
    smallest_set_bytes: int = 2**15
    """The first of the working sets, in the first-level cache; each further one is four times as large."""


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
    long_turn: int = 16
    """Times as many calls as a turn has, in a turn that looks into a doubt."""
    telling_turn_s: float = 0.5
    """Of a turn that can convict a worker's clock: shorter ones had convicted 17 of 640 correct cells, beside a load of
    seven programs to a core ..."""
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
    most_kinds_hung: int = 2
    """Within a time budget: element types and directions on which a backend timed out, before it is tried on no other.
    Of a kind on which it did, no further problem is tried. A kernel that was compiled for float64 when the time was
    nearly up had cost a leader all its finals."""
    most_time_outs: int = 3
    """Problems in a row. A backend that hangs on every problem would cost a run a hundred time-outs."""


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
class PropertiesPolicy:
    """How it is looked, once a run and backend, what a backend is like beside right and fast."""

    repetitions: int = 8
    """Of a call that must give the same bits to be the same each time."""
    searched: int = 1500
    """Calls of a small layer for a result that is far from the others, which makes a backend suspected: one that is
    wrong once in 300 calls passes in one of 150 times ..."""
    searched_s: float = 0.05
    """... or as many as take this much processor time."""
    calls: int = 200
    """In one step of looking whether memory grows by calls ..."""
    calls_s: float = 0.02
    """... or as many as take this much processor time."""
    steps: int = 3
    """In a row after each of which there must be more memory, be it by calls or by shapes."""
    least_bytes: int = 2**15
    """More in each step. An interpreter and its allocator take some pages now and then, a kept result has 72 KiB."""
    share: float = 0.02
    """Of a time budget, for all backends; who has not been looked at by then is not."""


@dataclass(frozen=True, kw_only=True)
class ClaimsPolicy:
    """Claims: what a 1x1 convolution buys, measured on each backend alone."""

    turn_s: float = 0.002
    """Of timed calls in one turn."""
    long_s: float = 0.005
    """A call that takes longer is not warmed up: it sweeps the caches by itself."""
    fewest_rounds: int = 6
    """Of one start; enough for an interval where there is no time for another start."""
    most_rounds: int = 8
    """Of one start, however long the time: starts differ more than rounds do."""
    longest_round_s: float = 0.5
    """A backend that needs longer for all variants once is not timed."""
    smallest_calls: int = 20
    """Of the smallest problem, in each round."""
    seconds: float = 150.0
    """For all backends together, by thread budget, where no time budget says otherwise."""
    most_wait_s: float = 8.0
    """For one claim: among two dozen claims nobody may take the others' time."""
    most_time_outs: int = 2
    """After as many in a row a backend is asked no further claim."""
    restart_s: float = 0.8
    """Of one worker, kept back for each of the later starts."""
    worth: float = 3.0
    """A later start is made where it has as many times what restarting takes."""
    first_share: float = 0.65
    """Of the time beside those, for the first start."""
    share_of_visit: float = 0.15
    """Of a visit's time, for a single claim at most."""
    alone_s: float = 234.0
    """Time budget of a run of claims alone: under the four minutes in which a lecture's audience waits."""
    longest_wait_alone_s: float = 15.0
    """For one cell of such a run."""
    share: float = 0.76
    """Of a time budget: a claim has a dozen products, a problem of the group one."""


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


@dataclass(frozen=True, kw_only=True)
class Policy:
    """All of them."""

    rounds: RoundsPolicy = field(default_factory=RoundsPolicy)
    budget: BudgetPolicy = field(default_factory=BudgetPolicy)
    screening: ScreeningPolicy = field(default_factory=ScreeningPolicy)
    controls: ControlsPolicy = field(default_factory=ControlsPolicy)
    costs: CostsPolicy = field(default_factory=CostsPolicy)
    timing: TimingPolicy = field(default_factory=TimingPolicy)
    ceilings: CeilingsPolicy = field(default_factory=CeilingsPolicy)
    acceptance: AcceptancePolicy = field(default_factory=AcceptancePolicy)
    gate: GatePolicy = field(default_factory=GatePolicy)
    properties: PropertiesPolicy = field(default_factory=PropertiesPolicy)
    claims: ClaimsPolicy = field(default_factory=ClaimsPolicy)
    verdict: VerdictPolicy = field(default_factory=VerdictPolicy)

    def written(self) -> dict[str, dict[str, Any]]:
        """As plain values by group and field, for ``run.json``."""
        return asdict(self)


def first_difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, Any, Any] | None:
    """The name of the first field in which two written policies differ, with both values; None where they are alike.

    Either may be of another version, and lack groups or fields of the other: their value is None there.
    """
    mine, its = dict(_flat(old)), dict(_flat(new))
    for name in (*its, *mine):
        if mine.get(name) != its.get(name):
            return name, mine.get(name), its.get(name)
    return None


def _flat(written: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for group, values in written.items():
        if isinstance(values, Mapping):
            yield from ((f"{group}.{name}", value) for name, value in values.items())
        else:
            yield group, values


POLICY: Final = Policy()
