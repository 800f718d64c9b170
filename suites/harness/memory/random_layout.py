"""Places in memory that are drawn anew at every start, where a start would otherwise repeat the last one.

Starts of one worker go through the same allocations, so that its arrays lie at the same places within their pages
every time, and those of two workers with names of different lengths at different ones. What is the same in all starts
shows in no interval; so it is drawn: the stack's place by the size of the environment, the heap's by a ballast, an
input's by its place in its page (Mytkowicz et al., Producing Wrong Data Without Doing Anything Obviously Wrong, ASPLOS
2009; Curtsinger and Berger, Stabilizer, ASPLOS 2013).
"""

from __future__ import annotations

from random import SystemRandom

PAGE = 4096
LINE = 64
PADDING_VARIABLE = "POINTWISE_BENCH_PADDING"

# Not of the run's seed: a start that could be foreseen could be prepared for.
_random = SystemRandom()


def lines_into_page() -> int:
    """How many cache lines into a page something begins."""
    return _random.randrange(PAGE // LINE)


def ballast() -> list[bytes]:
    """Memory of random sizes, to be held while others allocate theirs."""
    return [bytes(_random.randrange(1, 4 * PAGE)) for _ in range(16)]


def padding() -> dict[str, str]:
    """A variable of random length for a child's environment, which lies below its stack."""
    return {PADDING_VARIABLE: "x" * _random.randrange(PAGE)}
