"""A pytest plugin for runs that exhaust what a worker may take: a gigabyte of memory, a short log, little patience."""

from __future__ import annotations

from pointwise_bench.suites.harness.worker import limits, plugin_loading as apart, pool

SMALL = limits.Limits(memory_bytes=2**30, file_bytes=2**26)

limits.present_limits = lambda: SMALL
pool.START_S = 5.0
apart.LOADING_S = 5.0
