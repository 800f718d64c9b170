"""``python -m tiny_comparison WORDS``: ``pointwise-bench compare`` with made-up ceilings and a single short start."""

from __future__ import annotations

import sys

import quick_ceilings
import single_start

if __name__ == "__main__":
    single_start.pytest_configure()
    quick_ceilings.pytest_configure()
    from pointwise_bench.__main__ import main

    sys.exit(main(["compare", *sys.argv[1:]]))
