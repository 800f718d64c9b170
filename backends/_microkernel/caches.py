"""Caches: whether what lies evenly apart falls into the same few sets, of lines or of the translations of pages."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Final

from pointwise_bench.backends._microkernel.kernels.llvm import CACHE_LINE

# Sets of the first and the second level of lines, and of the second of translations of pages; and the fewest ways that
# they have in today's x86 processors: eight (Zen; Intel's second level has up to twenty), and twelve (Skylake).
FIRST_LINE_SETS: Final = 64
LINE_SETS: Final = 1024
LINE_WAYS: Final = 8
PAGE: Final = 2**12
PAGE_SETS: Final = 128
PAGE_WAYS: Final = 12


@cache
def lines_crowd(rows: int, step: int, sets: int = LINE_SETS) -> bool:
    """Whether lines of ``rows`` that lie ``step`` bytes apart fall into few sets of a cache, as where that is 2^n."""
    return max(Counter(row * step // CACHE_LINE % sets for row in range(rows)).values()) > LINE_WAYS


@cache
def pages_crowd(rows: int, step: int) -> bool:
    """The same of the translations of their pages. 21 planes of 79x79 floats are 44 bytes short of 128 pages."""
    pages = {row * step // PAGE for row in range(rows)}
    return max(Counter(page % PAGE_SETS for page in pages).values()) > PAGE_WAYS
