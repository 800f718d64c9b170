"""The contract between a backend and the harness."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Protocol

from pointwise_bench.backends.problem import Problem

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]
else:
    Array = Any  # listing backends must not pay for NumPy

Layer = Callable[..., Any]

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_NAME: Final = 64
"""Characters of a backend's name: it is part of names of files, and a column of tables."""
_LONGEST_WORD: Final = 32


class DeviceTimer(Protocol):
    """A timer that reads the device's own clock, for backends whose ``device`` is not the CPU."""

    def start(self) -> None:
        """Enqueue the opening mark."""

    def stop(self) -> None:
        """Enqueue the closing mark."""

    def elapsed_s(self) -> float:
        """Seconds between the two marks; called after :meth:`Backend.sync`."""


DEVICES_APART: Final = frozenset({"cuda", "opencl"})
"""Devices with memory of their own, from which a result has to travel."""

RUN_CACHE: Final = "POINTWISE_BENCH_RUN_CACHE"
"""Environment variable of a worker: a folder for compiled code that lives as long as the run.

A run starts every worker several times. What a backend compiles for a problem may wait there for its next start, so
that only the first one compiles it; ``prepare_s`` is that of the first start.
"""

UNTIMED: Final = "POINTWISE_BENCH_UNTIMED"
"""Environment variable of a worker, set where nothing is timed: backends may share what they compile there."""


class Backend(ABC):
    """One way to compute a pointwise convolution. Subclass, decorate with ``@register``, and that is all.

    Per problem the harness makes these calls, always in a worker process that this backend shares with no other:

    ================  ===================================  =====================================================
    call              when                                 what it is for
    ================  ===================================  =====================================================
    ``missing()``     once, first                          say what the machine lacks and how to get it
    ``refuses(p)``    before anything else of a problem    say why this problem is not for this backend
    ``prepare(...)``  untimed (reported as ``prepare_s``)  pack weights, compile, allocate; return the layer
    ``to_device(x)``  untimed                              turn the harness's array into the backend's own
    ``layer(x)``      **TIMED**                            compute; whatever it does to ``x`` is paid for here
    ``sync()``        **TIMED**, after each ``layer(x)``   wait until asynchronous work is done
    ``to_numpy(y)``   untimed                              give the result back for checking
    ``ran()``         untimed, once in a pass, last        say what really ran, where the library tells
    ================  ===================================  =====================================================

    The timed callable may use only what it is passed and what ``prepare`` derived from the weights: no result of
    an earlier call, no knowledge of the harness. The gate checks it before and after the clock, on inputs that
    you cannot foresee, and a wrong answer voids the timing.

    Arrays arrive as read-only NumPy arrays, C-contiguous in ``problem.layout``, aligned to 64 bytes. Weights have
    shape ``problem.weight_shape`` in both layouts; ``bias`` has shape ``(out_channels,)`` or is None. bfloat16 is
    the type of the package ml_dtypes.

    Import heavy packages inside methods, never at the top of the module: listing backends must stay instant.
    """

    name: ClassVar[str]
    """Lower-case words joined by hyphens, unique; a precision other than the problem's own is part of it."""

    device: ClassVar[str] = "cpu"
    """``"cpu"``, ``"cuda"``, ...: where the arithmetic happens. What is not in :data:`DEVICES_APART` is judged as the
    CPU is: nothing may be left to do when the call has returned. What is in it is believed where the machine's drivers
    show such a device, and the backend's process has opened it once its layer has answered."""

    output: ClassVar[Literal["fresh", "reused"]] = "fresh"
    """Whether ``layer`` returns new memory on each call or a buffer that the next call overwrites."""

    dtypes: ClassVar[tuple[str, ...]] = ("float32", "float64")
    """Element types that the default :meth:`refuses` lets through."""

    arithmetic: ClassVar[str] = "own"
    """``"own"``: that of the problem's dtype. A reduced one has its name here, such as ``"tf32"``, and is never
    compared with results of another."""

    directions: ClassVar[tuple[str, ...]] = ("forward",)
    """Directions that the default :meth:`refuses` lets through."""

    activations: ClassVar[tuple[str, ...]] = ("none", "relu")
    """Activations that the default :meth:`refuses` lets through: of :data:`.problem.ACTIVATIONS`, those you apply."""

    adds: ClassVar[bool] = False
    """Whether the default :meth:`refuses` lets problems with a residual through (``problem.add``). Their layer is
    called as ``layer(x, residual)``, adds before the activation, and never writes to the residual."""

    imports: ClassVar[tuple[str, ...]] = ()
    """Modules that take long to import: of this project's backends, those that name the same have it done once for all
    in each start. Of a plugin nothing is imported before its own process is there."""

    def missing(self) -> str | None:
        """What the environment lacks and what to install, or None when this backend can run here."""
        return None

    def refuses(self, problem: Problem) -> str | None:
        """Why this problem is not for this backend, or None. Pure: no import, no allocation, no measuring.

        The default refuses what :attr:`dtypes`, :attr:`directions`, :attr:`activations` and :attr:`adds` leave out; an
        override should ask it first: ``return super().refuses(problem) or (...)``.
        """
        if problem.dtype not in self.dtypes:
            return f"computes {' and '.join(self.dtypes)}, not {problem.dtype}"
        if problem.direction not in self.directions:
            return f"computes {' and '.join(self.directions)}, not {problem.direction}"
        if problem.activation not in self.activations:
            known = [each for each in self.activations if each != "none"]
            return f"applies {' and '.join(known) or 'no activation'}, not {problem.activation}"
        if problem.add and not self.adds:
            return "takes no residual: a backend that is called with one declares adds = True"
        return None

    @abstractmethod
    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """Everything that an application does once per layer. Returns the callable that is timed.

        ``threads`` is a budget, not a hint: CPU seconds over wall seconds are measured, and a cell that exceeds
        the budget by more than 0.1 is failed. The usual environment variables (``OMP_NUM_THREADS`` and its kin) are
        set before the worker starts.

        With ``problem.add`` the layer is ``layer(x, residual)``, both of them read-only: the residual has
        ``problem.output_shape`` and is added before the activation. ``backward-input``: ``layer(dy)`` returns ``dx``,
        of ``problem.input_shape`` with zeros in the pixels that the stride skips. ``backward-weight``: ``layer(x, dy)``
        returns ``dw``, of ``problem.weight_shape``, or the tuple ``(dw, db)`` if ``problem.bias``; ``weight`` is None.
        ``bias`` is None in both, and ``dy`` is the gradient before the activation: there is none backward.
        """

    def to_device(self, array: Array) -> Any:
        """The harness's array as the backend's own kind of array; the default hands it on unchanged.

        On the CPU a view, which lies in the array's own memory: its values change between calls.
        """
        return array

    def to_numpy(self, result: Any) -> Array:
        """The layer's result as a NumPy array in the problem's dtype; each part of a ``(dw, db)`` by itself.

        C-contiguous in the problem's layout. On the CPU a view: the result's own memory, and so the same however often
        it is asked.
        """
        import numpy as np

        return np.asarray(result)

    def sync(self) -> None:  # noqa: B027  # optional hook: synchronous backends have nothing to wait for
        """Wait for asynchronous work. Called inside the clock after every ``layer(x)``."""

    def ran(self) -> str | None:
        """What really ran in this process, as the library itself tells, or None where it does not.

        One line: kernel of the layer prepared last, instruction set, device, precision, driver. It is recorded with the
        run, so that a silent fall-back is seen. Called after all timing of a pass; it may compute.
        """
        return None

    def device_timer(self) -> DeviceTimer | None:
        """A timer on the device (events), giving a second series beside host time; None on the CPU."""
        return None


def faults_of_declaration(cls: type) -> str | None:
    """Why ``cls`` cannot be registered, in words for its author; None when it can."""
    if not (isinstance(cls, type) and issubclass(cls, Backend)):
        return f"{cls!r} is not a subclass of pointwise_bench.backends.Backend"
    words = (getattr(cls, what, None) for what in ("name", "device", "output", "arithmetic"))
    if fault := fault_of_words(cls.__name__, *words):
        return fault
    if cls.__abstractmethods__:
        return f"{cls.__name__} does not define {', '.join(sorted(cls.__abstractmethods__))}"
    return None


def fault_of_words(who: str, name: object, device: object, output: object, arithmetic: object) -> str | None:
    """Why ``who`` cannot be called so, or say so of itself; None when it can.

    A rule and no list of what is forbidden: names become names of files, keys of results and cells of pages.
    """
    if not isinstance(name, str) or len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        return (
            f"{who}.name must be lower-case words joined by hyphens, got {_shortened(name)}: letters a to z, digits "
            f"and hyphens, at most {LONGEST_NAME} characters"
        )
    if not isinstance(output, str) or output not in ("fresh", "reused"):
        return f'{who}.output must be "fresh" or "reused", got {_shortened(output)}'
    for what, word, example in (("device", device, "cpu"), ("arithmetic", arithmetic, "own")):
        if not isinstance(word, str) or len(word) > _LONGEST_WORD or not re.fullmatch("[a-z][a-z0-9]*", word):
            return f'{who}.{what} must be a lower-case word such as "{example}", got {_shortened(word)}'
    return None


def _shortened(value: object) -> str:
    """``value`` as Python writes it, on a line of its own and not endless."""
    said = repr(value)
    return said if len(said) <= 60 else f"{said[:50]}... ({len(said):,} characters)"
