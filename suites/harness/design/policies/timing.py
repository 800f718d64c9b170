"""Constants of timing: the turns, the warm-up, the inputs, the ceilings, and what is looked at beside right and fast.

Times are in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TurnPolicy:
    """What a backend does in its turn. It is written among the rounds, which have their turns from here."""

    turn_s: float = 0.004
    """Of timed calls in one turn: shorter than the spells in which a machine is fast or slow."""
    warm_s: float = 0.001
    """Of untimed calls before them: refills the caches that the previous backend's turn has emptied."""
    alike: float = 1.5
    """Largest step in speed between two backends that get the same number of calls in a turn."""
    span: float = 4.0
    """Largest factor between the fastest and the slowest of those."""


@dataclass(frozen=True, kw_only=True)
class TimingPolicy:
    """The warm-up, the inputs of a cold cache, and the canary."""

    level_within: float = 0.05
    """Warm-up ends when a batch beats the best one before it by no more than this ..."""
    longest_warm_up_s: float = 1.0
    """... or when this much time has gone."""
    warm_up_batch_s: float = 0.005
    """Of one batch of the warm-up, of which most backends need three: a turn is as long."""
    interval_s: float = 200e-6
    """The mean length of an interval of timed calls, where calls are shorter: what is done between two takes 1 to 3 us,
    and the next call is 2 to 5 us slower for it. With a quarter of this, PyTorch took 3 % longer for calls of 50 us."""
    most_intervals: int = 2000
    """Of a turn: in one of seconds, which looks into a clock, they are longer, and what passes between them less."""
    renewed_s: float = 200e-6
    """Of timed calls after which a part of the block has new values, at the earliest: that takes 4 us and more."""
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
class NearnessPolicy:
    """Turns of several threads are taken while their cores are near, as those of a virtual machine are not always."""

    times: float = 2.0
    """Cores are apart when a word takes this many times longer from one to the next than it does as a rule."""
    most_wait_s: float = 3.0
    """For them to be near again, before one turn, which counts then as it is. They are apart for 20 ms or for ten
    seconds, in which fifty turns had counted as they were, after a twentieth of a second each ..."""
    pause_s: float = 0.005
    """... looking so often: cores that rest are moved sooner than those that are kept busy."""
    most_again: int = 2
    """How often a turn is taken again after which they were apart."""
    share: float = 0.15
    """Of a run's time, that waiting and such turns take at most. With a twentieth, which was used up by cores that were
    apart for a third of the time, 26 of 74 layers were settled in ten minutes; with this, and quicker turns, 73 ..."""
    share_in_haste: float = 0.05
    """... and where the time is too short for every network: there, a tenth had cost a minute a network ..."""
    share_of_finals: float = 0.5
    """... and of that behind the screening, when everybody has a time and it is told who is faster. Beside a program
    that is busy half of the time, half of all turns take twice as long ..."""
    least_s: float = 0.5
    """... beside so much."""
    learnt_at_first: int = 100
    """Looks, the first of a run, by which it is known how long a word takes as a rule; of later ones ..."""
    learnt_each: int = 20
    """... one in so many ..."""
    remembered: int = 1000
    """... of which so many are remembered: those of some minutes."""


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
    """Of a time budget, for all backends; who has not been looked at by then is not. No constant of planning: nobody
    suspects who was not searched, and what a backend answers wrongly now and then is published more often."""


@dataclass(frozen=True, kw_only=True)
class ClaimTurnPolicy:
    """How a claim is timed: what a 1x1 convolution buys, measured on each backend alone."""

    turn_s: float = 0.002
    """Of timed calls in one turn."""
    long_s: float = 0.005
    """A call that takes longer is not warmed up: it sweeps the caches by itself."""
    longest_round_s: float = 0.5
    """A backend that needs longer for all variants once is not timed."""
    smallest_calls: int = 20
    """Of the smallest problem, in each round."""


@dataclass(frozen=True, kw_only=True)
class SequenceTurnPolicy:
    """How all layers of a network in one pass are timed against each of them alone."""

    turn_s: float = 0.002
    """Of timed calls of one layer alone, behind a call that is not timed."""
    most_occurrences: int = 1000
    """Of layers in a network: each is prepared with weights of its own."""
    share_of_memory: float = 0.1
    """Of what is free, for inputs, weights and results: backends keep their own form of the weights beside them."""
