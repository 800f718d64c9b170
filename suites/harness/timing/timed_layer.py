"""One backend under examination, in whichever process it runs: prepared, verified, timed, verified again."""

from __future__ import annotations

import builtins
import gc
import resource
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, sleep  # bound before any plugin is loaded, which can replace time's own later
from typing import Any

import numpy as np

from pointwise_bench import Backend, DeviceTimer, Layer, Problem
from pointwise_bench.suites.harness.machine.affinity import keep_to, usable
from pointwise_bench.suites.harness.memory.guarded_arrays import Input, Inputs, OnDevice
from pointwise_bench.suites.harness.memory.random_layout import ballast
from pointwise_bench.suites.harness.timing.cpu_time import cpu_seconds, waiting_seconds
from pointwise_bench.suites.harness.timing.input_rotation import Cache, InputRotation
from pointwise_bench.suites.harness.verify.cases import CaseSet, Weights
from pointwise_bench.suites.harness.verify.gate import Array, Gate

STATUS, CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")

LEVEL_WITHIN = 0.05  # warm-up ends when a batch beats the best one before it by no more than this ...
LONGEST_WARM_UP_S = 1.0  # ... or when this much time has gone
WARM_UP_BATCH_S = 0.01

WATCHED_S = 0.03  # for looking whether a backend's threads rest

LONGEST_CALL_S = 1e6  # that the report takes for a time


@dataclass(frozen=True)
class SetUp:
    """What is known of a backend on one problem once it has passed the gate and is warm."""

    prepare_s: float
    first_call_s: float
    seconds_per_call: float  # of the warm layer: what the plan of the rounds is made from
    cpu_over_wall: float  # of the warm-up, which may use every core: proves the thread budget
    error_ratio: float | None


@dataclass(frozen=True)
class Turn:
    """One backend's share of one round."""

    seconds_per_call: float
    cpu_over_wall: float  # with the calls before
    wall_s: float
    device_seconds_per_call: float | None
    page_faults: int | None = None
    unseen_s: float = 0.0  # of the calls before


@dataclass(frozen=True)
class Finish:
    """What is known once the timing is over and the gate has been passed again."""

    error_ratio: float | None
    peak_rss_bytes: int


@dataclass
class _Running:
    """The layer that is being timed, with all that its last check needs."""

    gate: Gate
    layer: Layer
    inputs: InputRotation
    result: Any = None
    seconds_per_call: list[float] = field(default_factory=list)


class TimedLayer:
    """A backend with its thread budget. One problem at a time: ``set_up``, any number of ``turn``, ``finish``."""

    def __init__(self, backend: Backend, threads: int) -> None:
        self.backend = backend
        self.threads = threads
        self._running: _Running | None = None
        self._timer: DeviceTimer | None = None
        self._cores: list[int] | None = None
        self._everywhere: list[int] = []
        self._ballast: list[bytes] = []
        # A synchronous backend is not charged for calling an empty method.
        self._sync = None if type(backend).sync is Backend.sync else backend.sync

    def set_up(self, problem: Problem, cases: CaseSet, cache: Cache = "hot", *, whole: bool = True) -> SetUp:
        """Prepare, pass the gate (see :meth:`Gate.before` for ``whole``), warm up.

        ``WrongAnswer`` from the gate, anything from the backend.
        """
        self._running = None
        self._ballast = ballast()
        forget_peak()
        with import_time() as imports_s:
            began = perf_counter()
            layer = self._prepare(problem, cases.real)
            prepare_s = perf_counter() - began - imports_s()
        inputs = InputRotation(self.backend, cases.first.inputs, cache)
        began = perf_counter()
        self._call(layer, inputs.first)
        first_call_s = perf_counter() - began
        gate = Gate(self.backend, problem, cases)
        gate.before(layer, self._prepare(problem, cases.integer) if whole else None)
        self._running = _Running(gate, layer, inputs)
        self._timer = self.backend.device_timer()
        return SetUp(prepare_s, first_call_s, *self._warm_up(), gate.error_ratio)

    def turn(self, calls: int, warm_s: float, cores: list[int] | None = None) -> Turn:
        """Call the layer for ``warm_s`` seconds (once at least) unseen, then ``calls`` times on the clock.

        All threads are kept to ``cores`` until ``finish``; None leaves them where they are.
        """
        running = self._of_examined()
        layer, inputs = running.layer, running.inputs
        self._keep_to(cores)
        with no_garbage_collection():
            # The wall's interval encloses the processors': else a pause between two readings, which threads that spin
            # make likely, shows more processor seconds than there are processors.
            asked, cpu_began = perf_counter(), cpu_seconds()
            woken = perf_counter()
            while True:
                self._call(layer, inputs.next())
                if perf_counter() - woken >= warm_s:
                    break
            unseen_s = perf_counter() - woken
            given = inputs.take(calls)
            faults_before = page_faults()
            began = perf_counter()
            running.result = self._repeat(layer, given)
            wall_s = perf_counter() - began
            cpu_over_wall = (cpu_seconds() - cpu_began) / (perf_counter() - asked)
            faults = page_faults() - faults_before
        running.seconds_per_call.append(wall_s / calls)
        return Turn(wall_s / calls, cpu_over_wall, wall_s, self._device_turn(layer, calls), faults, unseen_s)

    def _keep_to(self, cores: list[int] | None) -> None:
        if cores is not None and cores != self._cores:
            self._everywhere = self._everywhere or usable()
            keep_to(cores)
        elif cores is None and self._cores is not None:
            keep_to(self._everywhere)
        self._cores = cores

    def finish(self) -> Finish:
        """Pass the gate once more, on the very layer, input and result of the timing; then forget the problem."""
        running = self._of_examined()
        self._keep_to(None)
        typical_s = statistics.median(running.seconds_per_call)
        running.inputs.check_untouched()
        running.gate.after(running.layer, running.inputs.first, running.result, running.inputs.hosts[0], typical_s)
        self._running = None
        return Finish(running.gate.error_ratio, peak_rss_bytes())

    def idle(self, settled_s: float) -> float:
        """How many processors its threads ask for while nothing is asked of it, from ``settled_s`` seconds on.

        CPU seconds over wall seconds, the time in which threads waited for a processor included: on a core that others
        use as well, a thread that spins for ever gets a third of it and would be held for one that rests.
        """
        sleep(settled_s)
        waited_before = waiting_seconds()
        began, cpu_began = perf_counter(), cpu_seconds()
        sleep(WATCHED_S)
        cpu_s = cpu_seconds() - cpu_began
        waited_s = sum(waited - waited_before.get(thread, 0.0) for thread, waited in waiting_seconds().items())
        return (cpu_s + waited_s) / (perf_counter() - began)

    def apply(self, problem: Problem, weights: Weights, x: Array) -> Array:
        """The backend's result for one input: what the correctness suite compares with its own expectations."""
        layer = self._prepare(problem, weights)
        host = Inputs((x,))
        device = tuple(self.backend.to_device(each) for each in host.arrays)
        result = self.backend.to_numpy(self._call(layer, device))
        host.check_untouched()
        return np.array(result)

    # --- the parts ------------------------------------------------------------------------------------------

    def _of_examined(self) -> _Running:
        if self._running is None:
            raise RuntimeError("set_up comes first")
        return self._running

    def _prepare(self, problem: Problem, weights: Weights) -> Layer:
        weight, bias = (None if each is None else Input(each).array for each in (weights.weight, weights.bias))
        layer = self.backend.prepare(problem, weight, bias, self.threads)  # type: ignore[arg-type]  # None: no weights
        if not callable(layer):
            raise TypeError(f"prepare returned {type(layer).__name__}, which is not callable and so is no layer")
        return layer

    def _call(self, layer: Layer, x: OnDevice) -> Any:
        result = layer(*x)
        if self._sync:
            self._sync()
        return result

    def _repeat(self, layer: Layer, given: Iterable[Any]) -> Any:
        """The timed loop. One for each kind of call, so that none pays for a test that another kind needs."""
        if self._takes_two:
            return self._repeat_with_two(layer, given)
        result = None
        if self._sync is None:
            for x in given:
                result = layer(x)
        else:
            sync = self._sync
            for x in given:
                result = layer(x)
                sync()
        return result

    def _repeat_with_two(self, layer: Layer, given: Iterable[Any]) -> Any:
        result = None
        if self._sync is None:
            for x, dy in given:
                result = layer(x, dy)
        else:
            sync = self._sync
            for x, dy in given:
                result = layer(x, dy)
                sync()
        return result

    def _device_turn(self, layer: Layer, calls: int) -> float | None:
        """The same number of calls on the device's own clock, apart from the host's, since marks cost host time."""
        if self._timer is None:
            return None
        running, seconds = self._of_examined(), []
        for _ in range(calls):
            x = running.inputs.next()
            self._timer.start()
            layer(*x)
            self._timer.stop()
            self.backend.sync()
            seconds.append(_as_seconds(self._timer.elapsed_s()))
        return statistics.fmean(seconds)

    @property
    def _takes_two(self) -> bool:
        return len(self._of_examined().inputs.first) == 2

    def _warm_up(self) -> tuple[float, float]:
        """Call until compiled and level. Seconds per call of the last batch; CPU seconds over wall seconds of all."""
        running = self._of_examined()
        began, cpu_began = perf_counter(), cpu_seconds()
        best, calls = float("inf"), 1
        while True:
            batch_began = perf_counter()
            self._repeat(running.layer, running.inputs.take(calls))
            now = perf_counter()
            seconds_per_call = (now - batch_began) / calls
            # Settling means getting faster. A slower batch is noise, and noise is no reason to go on.
            level = seconds_per_call > (1 - LEVEL_WITHIN) * best
            if (level and now - batch_began >= WARM_UP_BATCH_S / 2) or now - began > LONGEST_WARM_UP_S:
                return seconds_per_call, (cpu_seconds() - cpu_began) / (perf_counter() - began)
            best = min(best, seconds_per_call)
            calls = max(1, round(WARM_UP_BATCH_S / max(seconds_per_call, 1e-7)))


def _as_seconds(told: Any) -> float:
    """What a backend's own stopwatch tells; ``ValueError`` for what is no time of a call."""
    seconds = float(told)
    if not 0 < seconds < LONGEST_CALL_S:
        raise ValueError(f"device_timer: elapsed_s() returned {seconds:g}, which no call can take")
    return seconds


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """The collector is off inside, and afterwards as it was."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def import_time() -> Iterator[Callable[[], float]]:
    """Seconds spent in import statements so far, nested ones counted once.

    Backends import their heavy packages inside ``prepare``. That is paid once per process, not once per layer, so
    it is taken out of ``prepare_s``; without this the first layer of a run would seem to compile for seconds.
    """
    original, spent, depth = builtins.__import__, 0.0, 0

    def timed(*arguments: Any, **keywords: Any) -> Any:
        nonlocal spent, depth
        depth += 1
        began = perf_counter()
        try:
            return original(*arguments, **keywords)
        finally:
            depth -= 1
            if depth == 0:
                spent += perf_counter() - began

    builtins.__import__ = timed
    try:
        yield lambda: spent
    finally:
        builtins.__import__ = original


def libraries() -> list[dict[str, Any]]:
    """BLAS and threading libraries loaded in this process: name, version, kernel architecture, threads."""
    import threadpoolctl

    kept = ("internal_api", "version", "architecture", "threading_layer", "num_threads")
    return [{key: info.get(key) for key in kept} for info in threadpoolctl.threadpool_info()]


def page_faults() -> int:
    """Pages that this process has had mapped since it started, from memory or disk."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_minflt + usage.ru_majflt


def forget_peak() -> None:
    """Let the high-water mark of resident memory begin anew, where the system can do that."""
    with suppress(OSError):
        CLEAR_REFS.write_text("5")  # man 5 proc_pid_clear_refs


def peak_rss_bytes() -> int:
    """High-water mark of this process's resident memory since :func:`forget_peak`, or since its start."""
    with suppress(OSError, StopIteration, ValueError):
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    kibibytes_or_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kibibytes_or_bytes if sys.platform == "darwin" else kibibytes_or_bytes * 1024
