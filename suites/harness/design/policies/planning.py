"""Constants of planning: how often it is measured, what a time budget is spent on, and who meets whom.

They decide how the time of a run is spent, not what one of its numbers means: runs that differ in them alone were
measured by the same rules (``common.formats.rules_of``). Times are in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from pointwise_bench.common.verdict_rule import PLANNED_STARTS
from pointwise_bench.suites.harness.design.policies.judging import AcceptancePolicy
from pointwise_bench.suites.harness.design.policies.timing import ClaimTurnPolicy, SequenceTurnPolicy, TurnPolicy


@dataclass(frozen=True, kw_only=True)
class RoundsPolicy(TurnPolicy):
    """Rounds and passes: how often each backend is measured on a problem, in turns that are constants of timing."""

    turn_overhead_s: float = 0.001
    """Of waking, asking and stopping a worker, in foreseeing what a turn takes."""
    passes: int = PLANNED_STARTS
    """Starts of every worker: what a process keeps for life differs from one start to the next."""
    most_passes: int = 2 * PLANNED_STARTS
    """Without a time budget, for a problem whose backends cannot be told apart."""
    most_passes_in_budget: int = 48
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
    doubted: float = 3.0
    """Times what a backend is known to take, beyond which its warm-up is asked for again, ..."""
    doubted_s: float = 2e-4
    """... and what it is in any case: of quicker calls a turn has dozens, and what a tiny layer takes is no work ..."""
    warm_ups: int = 5
    """... so many times in all, which is longer than others keep a core busy without a pause, as a rule."""
    far_warm_ups: int = 3
    """Warm-ups, where one says that a backend is far from the fastest that is not as a rule: beside such a
    process a rival had four rounds in the place of twelve on 72 of 131 problems, on a quiet machine on 25 to 40."""


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
    share_beside_others: float = 0.4
    """The same where other programs keep the cores busy, as the leaders take longer to tell apart there. Beside a core
    that was busy half of the time, 19 and 33 of 74 layers were settled where everybody met everywhere, which was
    foreseen to take 300 of 530 s, and 70 and 71 where those near the best did; by this rule, 72 and 74 ..."""
    busy_others: float = 0.1
    """... for more than this part of the cores; such a program takes 0.15 to 0.2 of two, a calm machine 0.01."""
    short_share: float = 0.9
    """The same where the time is too short for everybody everywhere: whole networks come before close calls."""
    last_share: float = 0.85
    """There, of what is left where no further network fits beside the finals, for one that fits in their place."""
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
    rounds_in_haste: int = 8
    """Of those who go on there: of the 0.75 s that a trial of five backends takes, twelve rounds are 0.5. Eight are the
    fewest of a pass without a budget, too (``telling``)."""
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
    most_share: float = 1.5
    """... into this part of what is left for it: what is foreseen from the first problems is too much rather than too
    little, since some backends still compile on them."""
    final_rounds: int = 12
    """Of one pass of the finals: starts disagree more than a median over so many rounds does (1 % and 0.7 % on a calm
    machine), so the time goes to starts. With twenty, the turns of seven backends took 1.05 of a trial's 1.5 s."""
    most_start_share: float = 0.1
    """Of a budget; a backend whose worker would need longer until its first time is left out of the run. With two
    tenths, torch-compile had nine seconds of a minute for its first kernel; a network of nineteen layers fits there."""
    least_start_s: float = 4.0
    """That it must need in any case to be left out: of the few seconds that a run of claims has for its cells, what a
    usual backend needs is more than a share."""
    share_of_second: float = 0.5
    """Of the time left, that such a backend may take with all its problems where one alone would be left without it."""
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
    """... and so much more ..."""
    least_start_s: float = 0.5
    """... or so much, of what a start and a worker's first problem are foreseen to take."""
    serial_share: float = 0.25
    """Of preparing and answering, what one thread does alone. Six backends with two threads kept 1.7 of two cores busy
    on a layer of 51 million multiply-adds, and 1.4 on one of 10 million, which makes it 0.16 and 0.45. Two of them
    beside each other took 398 and 252 ms for all six, where one by one took 345 and 223 ms."""
    multiply_adds_per_s: float = 2e10
    """Of one thread, for foreseeing how long a turn takes."""
    multiply_adds_of_s: float = 2e-4
    """How many seconds of calls at that speed count beside those that were measured. What a call of a tiny problem
    takes is no work: after a run of such alone a library was foreseen to take seconds on every layer, and left out."""
    took_of_foreseen: float = 0.95
    """What a trial takes of all this: where workers are asked beside others, their waiting for them counts twice."""
    counts_as: int = 2
    """How many problems all of this counts as, beside what was measured since."""
    remembered: int = 40
    """How many of the last problems count in what is foreseen."""
    known_after: int = 3
    """Problems after which a speed is known."""


@dataclass(frozen=True, kw_only=True)
class GivingUpPolicy(AcceptancePolicy):
    """When a backend, or a turn, is given up; written among the limits that it keeps to where it is tried."""

    most_kinds_hung: int = 2
    """Within a time budget: element types and directions on which a backend timed out, before it is tried on no other.
    Of a kind on which it did, no further problem is tried. A kernel that was compiled for float64 when the time was
    nearly up had cost a leader all its finals."""
    most_time_outs: int = 3
    """Problems in a row. A backend that hangs on every problem would cost a run a hundred time-outs."""
    turn_given_up_at: float = 100.0
    """A turn, and a batch of the warm-up, ends when its calls have taken so many times as long as all of them would at
    the quickest seen; one more stands for those that do not come. Beside a load of a core and a half, libraries
    with two threads that spin for each other take milliseconds for a call of 4 us: a turn of a thousand calls took up
    to a minute, and the backend timed out ..."""
    shortest_given_up_s: float = 0.1
    """... but no turn ends before this, however quick calls have once been said to be: of less than some milliseconds
    a false clock could hide all ..."""
    slow_interval: float = 10.0
    """... and where calls between two readings of the clock take so many times as long as expected, fewer come next."""


@dataclass(frozen=True, kw_only=True)
class ClaimsPolicy(ClaimTurnPolicy):
    """How much of a run's time claims have, by thread budget, and how much any one of them."""

    fewest_rounds: int = 6
    """Of one start; enough for an interval where there is no time for another start."""
    most_rounds: int = 8
    """Of one start, however long the time: starts differ more than rounds do."""
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
class SequencePolicy(SequenceTurnPolicy):
    """How much of a run's time passes over whole networks have, and which of them are measured."""

    share: float = 0.03
    """Of a time budget, for all networks and backends."""
    shortest_budget_s: float = 120.0
    """Below it that share is no time to prepare a network's layers in; tried all the same where the model is a user's
    own, whose time is what was asked."""
    seconds: float = 8.0
    """For one network and backend, at most."""
    least_s: float = 1.5
    """At least, so that of many networks some are measured rather than none; with less left nobody is asked."""
    asked_share: float = 0.8
    """Of that time, which a worker is told to take: the rest is what it may be late by before it is ended."""
    fewest_rounds: int = 6
    """The fewest of which a median has an interval of 95 %."""
    most_rounds: int = 15
    """However long the time: passes of one start scatter less than starts disagree."""
