"""The client of a backend that runs in a worker process, which is stopped whenever no answer is awaited from it.

A backend that has returned still uses processor time: its threads spin while they wait for the next call. So each one
has a process that no other backend shares, and while it waits that process is stopped, with its threads and children.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter
from types import MappingProxyType
from typing import Any, Final, TypeVar

from pointwise_bench.backends import Problem, Source
from pointwise_bench.backends.backend import DEVICES_APART, RUN_CACHE
from pointwise_bench.suites.harness.claims.claim_inputs import ClaimInputs
from pointwise_bench.suites.harness.claims.timed_claim import ClaimSamples
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.machine import devices
from pointwise_bench.suites.harness.memory.result_memory import ResultMemory, ResultsLost
from pointwise_bench.suites.harness.memory.shared_arrays import read_block, write_block
from pointwise_bench.suites.harness.record.ended import Ended, WrongAnswer
from pointwise_bench.suites.harness.timing.clock import Turn
from pointwise_bench.suites.harness.timing.judge import Finish, Judge, SetUp
from pointwise_bench.suites.harness.timing.looks import Awaited
from pointwise_bench.suites.harness.timing.properties import Properties
from pointwise_bench.suites.harness.timing.timed_layer import AnsweredAgain, Closed, Prepared, WarmUp
from pointwise_bench.suites.harness.timing.timed_sequence import Layers, SequenceSamples
from pointwise_bench.suites.harness.verify.gate import Declared
from pointwise_bench.suites.harness.verify.questions import Array, Weights
from pointwise_bench.suites.harness.worker import answers
from pointwise_bench.suites.harness.worker.channel import Message
from pointwise_bench.suites.harness.worker.client_protocol import SharedCases
from pointwise_bench.suites.harness.worker.process import ChildProcess
from pointwise_bench.suites.harness.worker.starting.forked_process import ForkServer

USUAL: Final = Declared()

A = TypeVar("A")


class WorkerClient:
    """The harness's side of one worker process. Implements :class:`client_protocol.Client`."""

    isolation = "worker"

    def __init__(
        self,
        backend: str,
        source: Source,
        threads: int,
        log: Path,
        cache: Path | None = None,
        declared: Declared = USUAL,
        slowed_by: float | None = None,
        *,
        variables: Mapping[str, str] = MappingProxyType({}),
        temporary: Path | None = None,
        server: ForkServer | None = None,
        kept: bool = False,
        awaited: Awaited | None = None,
    ) -> None:
        """``cache`` is the run's folder for compiled code, see :data:`pointwise_bench.backends.backend.RUN_CACHE`.

        ``declared`` is what the harness keeps of the backend's declarations: what its worker says later is not asked.
        ``temporary``, ``server``, ``kept``: see :class:`process.ChildProcess`.
        ``slowed_by``: percent of its time by which the backend is made slower, see :class:`slowed.Slowed`.
        ``variables`` are added to the environment of its process. ``awaited``: of earlier workers of the backend, too.
        """
        self._awaited = Awaited() if awaited is None else awaited
        self._declared = declared
        self._judge: Judge | None = None
        self._has_device_clock = declared.device in DEVICES_APART  # as far as is known
        arguments = {
            "backend": backend,
            "source": vars(source),
            "threads": threads,
            "slowed_by": slowed_by,
            "device": declared.device,
        }
        added = dict(variables) | ({} if cache is None else {RUN_CACHE: str(cache.absolute())})
        module = "pointwise_bench.suites.harness.worker.main"
        self._process = ChildProcess(
            module, arguments, threads, log, added, temporary, source.python, server, kept=kept
        )

    @property
    def pid(self) -> int:
        """Of the process, and of its group."""
        return self._process.pid

    def missing(self, timeout_s: float) -> str | None:
        """See :meth:`pointwise_bench.backends.Backend.missing`; else the device, where the machine shows none."""
        return self._reason({"do": "missing"}, timeout_s) or devices.not_shown(self._declared.device)

    def refuses(self, problem: Problem, timeout_s: float) -> str | None:
        """See :meth:`pointwise_bench.backends.Backend.refuses`."""
        return self._reason({"do": "refuses", "problem": problem.id}, timeout_s)

    def set_up(self, cases: SharedCases, timeout_s: float, *, whole: bool = True) -> SetUp:
        """See :meth:`JudgedLayer.set_up`."""
        message = {"do": "set_up", "problem": cases.problem.id, "cache": cases.cache, "whole": whole}

        def ask(results: ResultMemory) -> Prepared:
            return self._numbers(Prepared, message, timeout_s, (cases.descriptor(), results.descriptor))

        with self._judging("set_up"):
            self._judge = judge = Judge(cases.problem, cases.cases, self._declared)
            set_up = judge.set_up(ask, whole=whole)
        if (disbelieved := devices.not_used(self._declared.device, self.pid)) is not None:
            raise Ended("wrong", disbelieved)
        return set_up

    def warm_up(self, timeout_s: float) -> WarmUp:
        """See :meth:`TimedLayer.warm_up`."""
        with self._started_processes() as beside:
            warm_up = self._numbers(WarmUp, {"do": "warm_up"}, timeout_s)
        return replace(warm_up, cpu_over_wall=warm_up.cpu_over_wall + beside())

    def turn(self, calls: int, warm_s: float, cores: list[int] | None, timeout_s: float) -> Turn:
        """See :meth:`TimedLayer.turn`; before it :meth:`TimedLayer.device_time`, on devices that have a clock."""
        judge, began = self._judge_now(), perf_counter()
        device_s = self._device_time(calls, cores, timeout_s) if self._has_device_clock else None
        before_s = perf_counter() - began
        message = {"do": "turn", "calls": calls, "warm_s": warm_s, "cores": cores, "places": judge.new_places(calls)}
        with self._started_processes() as beside:
            value, attached = self._process.ask(message, max(timeout_s - before_s, 0.001))
        answered_at = self._process.answered_at
        try:
            turn = self._read("turn", partial(answers.numbers, Turn), value)
            turn = replace(turn, cpu_over_wall=turn.cpu_over_wall + beside())
            line = self._read("turn", answers.line, turn.taken_line)
            judge.note_filling(turn.salt)
            with self._judging("turn"):
                self._awaited.note(handed_over=bool(attached))
                for taken in attached[:1]:
                    judge.look(taken, line)
        finally:
            _close(attached)
        apart_s = before_s + perf_counter() - answered_at
        return replace(turn, device_seconds_per_call=device_s, apart_s=apart_s)

    def _device_time(self, calls: int, cores: list[int] | None, timeout_s: float) -> float | None:
        found = self._ask({"do": "device_time", "calls": calls, "cores": cores}, timeout_s)
        device_s = self._read("device_time", answers.device_time, found)
        self._has_device_clock = device_s is not None
        return device_s

    def idle(self, settled_s: float, timeout_s: float) -> float:
        """See :meth:`TimedLayer.idle`."""
        found = self._ask({"do": "idle", "settled_s": settled_s}, timeout_s)
        return self._read("idle", answers.seconds, found)

    def check_answers(self, timeout_s: float, *, thorough: bool = False) -> None:
        """See :meth:`JudgedLayer.check_answers`."""
        judge = self._judge_now()
        thorough_s = min(POLICY.gate.thorough_s, timeout_s / 2) if thorough else None
        message = {"do": "check_answers", "problem": judge.problem.id, "thorough_s": thorough_s}

        def ask(results: ResultMemory) -> AnsweredAgain:
            answered = self._numbers(AnsweredAgain, message, timeout_s, (results.descriptor,))
            self._read("check_answers", answers.line, answered.last_line)
            return answered

        with self._judging("check_answers"):
            judge.check_answers(ask)

    def finish(self, timeout_s: float) -> Finish:
        """See :meth:`JudgedLayer.finish`."""
        judge = self._judge_now()
        if not judge.answers_well:
            self.check_answers(timeout_s)
        closed = self._numbers(Closed, {"do": "finish"}, timeout_s)
        self._judge = None
        return judge.finish(closed.peak_rss_bytes)

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
        return self._read("time_claim", partial(answers.claim_samples, claim=inputs.claim), found)

    def time_sequence(
        self, layers: Layers, seconds: float, seed: int, cores: list[int] | None, timeout_s: float
    ) -> SequenceSamples:
        """See :meth:`TimedSequence.measure`."""
        written = [(problem.id, count) for problem, count in layers]
        request = {"do": "time_sequence", "layers": written}
        found = self._ask(request | {"seconds": seconds, "seed": seed, "cores": cores}, timeout_s)
        return self._read("time_sequence", answers.sequence_samples, found)

    def libraries(self, timeout_s: float) -> list[dict[str, Any]]:
        """See :func:`pointwise_bench.suites.harness.timing.process_statistics.libraries`."""
        return self._read("libraries", answers.libraries, self._ask({"do": "libraries"}, timeout_s))

    def ran(self, timeout_s: float) -> str | None:
        """See :meth:`pointwise_bench.backends.Backend.ran`."""
        return self._reason({"do": "ran"}, timeout_s)

    def examine(self, timeout_s: float) -> Properties | None:
        """See :func:`pointwise_bench.suites.harness.timing.properties.examine`."""
        with self._process.unheard():
            value = self._ask({"do": "examine"}, timeout_s)
        return None if value is None else self._read("examine", partial(answers.numbers, Properties), value)

    def leave(self, patience_s: float) -> None:
        """Let the process end by itself. To be killed all the same."""
        self._process.leave(patience_s)

    def kill(self) -> None:
        """Kill the process with everything that it has started. Safe to call twice."""
        self._process.kill()

    # --- judging, which no plugin's process can do for itself -----------------------------------------------

    def _judge_now(self) -> Judge:
        if self._judge is None:
            raise Ended("failed", "set_up comes first")
        return self._judge

    @contextmanager
    def _started_processes(self) -> Iterator[Callable[[], float]]:
        """Tells, afterwards, how many processors those that the worker has started have used meanwhile.

        They are stopped while it is not asked, so all of that was for the answer; 0 for nearly every backend.
        """
        began, before_s = perf_counter(), self._process.cpu_of_started_s()
        yield lambda: used
        used = (self._process.cpu_of_started_s() - before_s) / (perf_counter() - began)
        used = max(0.0, used)  # of those that have ended nothing is known

    @contextmanager
    def _judging(self, request: str) -> Iterator[None]:
        """Turn what the judge finds into :class:`Ended`, in which no other backend's cell ends."""
        try:
            yield
        except WrongAnswer as wrong:
            raise Ended.because_of(wrong, request) from wrong
        except MemoryError as error:
            raise Ended("out-of-memory", f"{request}: no memory is left to compare its results in") from error
        except ResultsLost as error:
            raise self._process.garbled(request, str(error)) from error

    # --- reading answers, which come from a process that a plugin may have garbled --------------------------

    def _ask(self, message: Message, timeout_s: float, descriptors: tuple[int, ...] = ()) -> Any:
        """The value of an answer to which no descriptors are attached."""
        value, attached = self._process.ask(message, timeout_s, descriptors)
        _close(attached)
        return value

    def _reason(self, message: Message, timeout_s: float) -> str | None:
        return self._read(message["do"], answers.reason, self._ask(message, timeout_s))

    def _numbers(self, form: type[A], message: Message, timeout_s: float, descriptors: tuple[int, ...] = ()) -> A:
        """An answer of the given form, a dataclass of numbers."""
        value = self._ask(message, timeout_s, descriptors)
        return self._read(message["do"], partial(answers.numbers, form), value)

    def _read(self, request: str, read: Callable[[Any], A], value: Any) -> A:
        """The answer ``value`` by one of the readers in :mod:`answers`, which nothing is used before it has passed."""
        try:
            return read(value)
        except ValueError as error:
            raise self._process.garbled(request, str(error)) from error


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
