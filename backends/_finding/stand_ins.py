"""Backends that compute nothing: they stand in the list for those that are not loaded in this process, or cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from pointwise_bench.backends._finding.declaration import Declaration
from pointwise_bench.backends.backend import Backend
from pointwise_bench.backends.problem import Problem

if TYPE_CHECKING:
    from pointwise_bench.backends.backend import Array


class Elsewhere(Backend):
    """Stands in for a plugin that is loaded in the processes which run it, and never in this one."""

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> NoReturn:
        """Never reached: what asks a backend to compute has loaded it."""
        raise RuntimeError(f"{self.name} is not loaded in this process")


class Unloadable(Backend):
    """Stands in for a plugin that failed to load, so that it is listed and reported like any other."""

    def __init__(self, name: str, error: str) -> None:
        self.name = name  # type: ignore[misc]  # a ClassVar everywhere but here, where no class could be loaded
        self._error = error

    def missing(self) -> str:
        """The error that loading raised."""
        return self._error

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> NoReturn:
        """Never reached: a backend that says what it is missing is not asked to compute."""
        raise RuntimeError(self._error)


def stand_in(declared: Declaration) -> type[Backend]:
    """A class that says of itself what was ``declared`` elsewhere."""
    body = {"name": declared.name, "device": declared.device, "output": declared.output, "__doc__": declared.doc}
    body |= {"arithmetic": declared.arithmetic}
    return type(Elsewhere.__name__, (Elsewhere,), body)
