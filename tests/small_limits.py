"""A pytest plugin for runs that exhaust what a worker may take: a gigabyte of memory, a short log, a short start."""

from __future__ import annotations

from suites.harness import limits, pool

SMALL = limits.Limits(memory_bytes=2**30, file_bytes=2**25)

limits.present_limits = lambda: SMALL
pool.START_S = 8.0
