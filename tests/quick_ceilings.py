"""A pytest plugin (``-p quick_ceilings``) that makes ceilings up, for runs whose subject is something else."""

from __future__ import annotations


def pytest_configure() -> None:
    """Replace the measuring before anybody has imported it."""
    from suites.harness import ceilings

    def made_up(threads: int, phase: str) -> ceilings.Ceilings:
        return ceilings.Ceilings(phase, threads, {"float32": 1e12, "float64": 5e11}, 1e10, [(2**15, 1e11)])

    ceilings.measure_apart = made_up
