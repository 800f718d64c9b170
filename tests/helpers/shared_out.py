"""A pytest plugin (``-p shared_out``, with ``-n``) that gives each process of pytest-xdist whole groups of tests.

A group is all that needs the same expensive thing once: a file of ``tests``, for its fixtures of a module are whole
runs; a backend of ``suites``, for its worker loads a library and compiles, with whoever compiles the same code. The
groups go out in the order in which their first tests were named, so the command line names the longest ones first and
the short ones fill the end.
"""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import Any, Final

import pytest
from xdist.scheduler import LoadScopeScheduling

from pointwise_bench.backends import registry

# Before it compiles, inductor tries the vector instructions that the processor names: five seconds of the C++ compiler
# in each session, and no part of what the tests ask. Nothing is measured by tests that go out in this way.
os.environ.setdefault("TORCHINDUCTOR_VEC_ISA_OK", "1")


COMPILES_AS: Final = {"opencl-from-host": "opencl"}
"""Backends whose workers find what those of another have compiled, as long as one process asks both."""


class ByFileOrBackend(LoadScopeScheduling):  # type: ignore[misc]  # of pytest-xdist, which is untyped
    """Groups by file, and within ``suites`` by backend."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # by number of tests: a run of minutes is few of them

    @cached_property
    def _names(self) -> set[str]:
        """Asked for only where tests of ``suites`` are: to find them reads the package of every plugin."""
        return set(registry.names())

    def _split_scope(self, nodeid: str) -> str:
        file, _, rest = nodeid.partition("::")
        if not file.startswith("suites/"):
            return file
        backend = backend_of(rest, self._names)
        return COMPILES_AS.get(backend, backend) if backend else file


def backend_of(test: str, names: set[str]) -> str | None:
    """The backend in a test's parameters, or None; its own name may hold hyphens, as those between parameters."""
    match = re.search(r"\[(.+)\]$", test)
    parameters = f"-{match[1]}-" if match else ""
    return max((name for name in names if f"-{name}-" in parameters), key=len, default=None)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFileOrBackend:
    """What pytest-xdist asks for the distribution of the tests."""
    return ByFileOrBackend(config, log)
