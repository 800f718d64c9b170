"""The client of a backend that runs in a worker process, which is stopped whenever no answer is awaited from it.

A backend that has returned still uses processor time: its threads spin while they wait for the next call. So each one
has a process that no other backend shares, and while it waits that process is stopped, with its threads and children.
"""

from __future__ import annotations

import os
from dataclasses import fields
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

from pointwise_bench.backends import Problem, Source
from pointwise_bench.backends.backend import RUN_CACHE
from pointwise_bench.suites.harness.claims.claim_inputs import ClaimInputs
from pointwise_bench.suites.harness.claims.timed_claim import ClaimSamples
from pointwise_bench.suites.harness.memory.shared_arrays import read_block, write_block
from pointwise_bench.suites.harness.timing.clock import Turn
from pointwise_bench.suites.harness.timing.timed_layer import Finish, SetUp, WarmUp
from pointwise_bench.suites.harness.verify.cases import Array, Weights
from pointwise_bench.suites.harness.worker.channel import Message
from pointwise_bench.suites.harness.worker.client_protocol import SharedCases
from pointwise_bench.suites.harness.worker.process import ChildProcess

A = TypeVar("A", SetUp, WarmUp, Turn, Finish)


class WorkerClient:
    """The harness's side of one worker process. Implements :class:`client_protocol.Client`."""

    isolation = "worker"

    def __init__(self, backend: str, source: Source, threads: int, log: Path, cache: Path | None = None) -> None:
        """``cache`` is the run's folder for compiled code, see :data:`pointwise_bench.backends.backend.RUN_CACHE`."""
        arguments = {"backend": backend, "source": vars(source), "threads": threads}
        variables = {} if cache is None else {RUN_CACHE: str(cache.absolute())}
        self._process = ChildProcess("pointwise_bench.suites.harness.worker.main", arguments, threads, log, variables)

    @property
    def pid(self) -> int:
        """Of the process, and of its group."""
        return self._process.pid

    def missing(self, timeout_s: float) -> str | None:
        """See :meth:`pointwise_bench.backends.Backend.missing`."""
        return self._reason({"do": "missing"}, timeout_s)

    def refuses(self, problem: Problem, timeout_s: float) -> str | None:
        """See :meth:`pointwise_bench.backends.Backend.refuses`."""
        return self._reason({"do": "refuses", "problem": problem.id}, timeout_s)

    def set_up(self, cases: SharedCases, timeout_s: float, *, whole: bool = True) -> SetUp:
        """See :meth:`TimedLayer.set_up`."""
        message = {"do": "set_up", "problem": cases.problem.id, "cache": cases.cache, "whole": whole}
        return self._numbers(SetUp, message, timeout_s, (cases.descriptor(),))

    def warm_up(self, timeout_s: float) -> WarmUp:
        """See :meth:`TimedLayer.warm_up`."""
        return self._numbers(WarmUp, {"do": "warm_up"}, timeout_s)

    def turn(self, calls: int, warm_s: float, cores: list[int] | None, timeout_s: float) -> Turn:
        """See :meth:`TimedLayer.turn`."""
        message = {"do": "turn", "calls": calls, "warm_s": warm_s, "cores": cores}
        return self._numbers(Turn, message, timeout_s)

    def idle(self, settled_s: float, timeout_s: float) -> float:
        """See :meth:`TimedLayer.idle`."""
        found = self._ask({"do": "idle", "settled_s": settled_s}, timeout_s)
        if not _fits(found, "float"):
            raise self._process.garbled("idle", f"{found!r}")
        return float(found)

    def check_answers(self, timeout_s: float) -> None:
        """See :meth:`TimedLayer.check_answers`."""
        self._ask({"do": "check_answers"}, timeout_s)

    def finish(self, timeout_s: float) -> Finish:
        """See :meth:`TimedLayer.finish`."""
        return self._numbers(Finish, {"do": "finish"}, timeout_s)

    def apply(self, problem: Problem, weights: Weights, x: Array, timeout_s: float) -> Array:
        """See :meth:`TimedLayer.apply`."""
        arrays = {"weight": weights.weight, "bias": weights.bias, "x": x}
        block = write_block({name: array for name, array in arrays.items() if array is not None})
        try:
            _, descriptors = self._process.ask({"do": "apply", "problem": problem.id}, timeout_s, (block,))
        finally:
            os.close(block)
        if len(descriptors) != 1:
            _close(descriptors)
            raise self._process.garbled("apply", f"{len(descriptors)} results")
        try:
            return read_block(descriptors[0])["result"]
        except (ValueError, KeyError) as error:
            raise self._process.garbled("apply", str(error)) from error

    def time_claim(
        self, inputs: ClaimInputs, seconds: float, seed: int, cores: list[int] | None, timeout_s: float
    ) -> ClaimSamples:
        """See :meth:`TimedClaim.measure`."""
        request = {"do": "time_claim", "claim": inputs.claim.written()}
        message = request | {"seconds": seconds, "seed": seed, "cores": cores}
        found = self._ask(message, timeout_s, (inputs.descriptor(),))
        try:
            return ClaimSamples.read(found, inputs.claim)
        except ValueError as error:
            raise self._process.garbled("time_claim", str(error)) from error

    def libraries(self, timeout_s: float) -> list[dict[str, Any]]:
        """See :func:`pointwise_bench.suites.harness.timing.process_statistics.libraries`."""
        found = self._ask({"do": "libraries"}, timeout_s)
        if not (isinstance(found, list) and all(isinstance(each, dict) for each in found)):
            raise self._process.garbled("libraries", f"{found!r}")
        return found

    def ran(self, timeout_s: float) -> str | None:
        """See :meth:`pointwise_bench.backends.Backend.ran`."""
        return self._reason({"do": "ran"}, timeout_s)

    def kill(self) -> None:
        """Kill the process with everything that it has started. Safe to call twice."""
        self._process.kill()

    # --- reading answers, which come from a process that a plugin may have garbled --------------------------

    def _ask(self, message: Message, timeout_s: float, descriptors: tuple[int, ...] = ()) -> Any:
        """The value of an answer to which no descriptors are attached."""
        value, attached = self._process.ask(message, timeout_s, descriptors)
        _close(attached)
        return value

    def _reason(self, message: Message, timeout_s: float) -> str | None:
        value = self._ask(message, timeout_s)
        if value is not None and not isinstance(value, str):
            raise self._process.garbled(message["do"], f"{value!r}")
        return value

    def _numbers(self, form: type[A], message: Message, timeout_s: float, descriptors: tuple[int, ...] = ()) -> A:
        """An answer of the given form, whose numbers are numbers."""
        value = self._ask(message, timeout_s, descriptors)
        types = {each.name: str(each.type) for each in fields(form)}
        if not isinstance(value, dict) or value.keys() != types.keys():
            raise self._process.garbled(message["do"], f"{value!r}")
        if not all(_fits(value[name], kind) for name, kind in types.items()):
            raise self._process.garbled(message["do"], f"{value!r}")
        return form(**value)


def _fits(value: Any, kind: str) -> bool:
    """Whether ``value`` fits an annotation of plain numbers; True for every other annotation."""
    if kind not in ("int", "float", "int | None", "float | None"):
        return True
    if value is None:
        return kind.endswith("None")
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
