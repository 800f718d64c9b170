"""``plan``: a layer made ready, of the backend that wisdom says is right and fastest for it on this machine."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt

from pointwise_bench.backends.backend import Backend
from pointwise_bench.backends.problem import Activation, Dtype, Layout, Problem
from pointwise_bench.backends.registry import registry
from pointwise_bench.common.cores import default_threads
from pointwise_bench.wisdom.choice import Choice, choose
from pointwise_bench.wisdom.entries import Wisdom
from pointwise_bench.wisdom.here import usual_place, why_not_here
from pointwise_bench.wisdom.planned_layer import PlannedLayer, handing_s, planned, takes_arrays
from pointwise_bench.wisdom.refusal import WisdomRefused, WisdomWarning
from pointwise_bench.wisdom.value_check import fault_of
from pointwise_bench.wisdom.wisdom_file import read_wisdom

Array = npt.NDArray[Any]

_ABOVE_US: Final = 3  # frames from a warning to the caller of `plan`


def plan(
    weight: Array,
    bias: Array | None = None,
    *,
    input_shape: Sequence[int],
    stride: int = 1,
    add: bool = False,
    activation: Activation = "none",
    groups: int = 1,
    layout: Layout = "nchw",
    threads: int | None = None,
    wisdom: str | PathLike[str] | None = None,
) -> PlannedLayer:
    """A prepared layer for inputs of ``input_shape`` (in ``layout``) and of the type of ``weight``.

    ``weight`` has shape ``(out_channels, in_channels // groups)``, also with two sizes of 1 behind; it is copied.
    With ``add`` the layer is ``layer(x, residual)``, which adds before the activation and leaves the residual as it is.
    ``threads`` is a budget, by default what a run has: all cores that this process may use,
    or fewer where a control group does not let it use them at once; thread pools belong to the process, so use
    one budget in all of it. ``wisdom`` names a file of ``pointwise-bench recommend``; by default it is sought where
    ``POINTWISE_BENCH_WISDOM`` says, then among the user's data.

    Without wisdom for this machine, its packages and the budget, a default is planned by rule, and a
    :class:`WisdomWarning` says why a file was not used. ``ValueError`` for what is no pointwise convolution.
    """
    problem = _problem(weight, bias, input_shape, stride, add, activation, groups, layout)
    budget = default_threads() if threads is None else _budget(threads)
    known = _usable(wisdom, budget)
    weight = _own(weight.reshape(problem.weight_shape))
    bias = None if bias is None else _own(bias)
    with _torch_keeps_its_gradients():
        return _first_that_works(problem, weight, bias, budget, choose(problem, budget, known))


# --- what is asked for --------------------------------------------------------------------------------------------


def _problem(
    weight: Array,
    bias: Array | None,
    input_shape: Sequence[int],
    stride: int,
    add: bool,
    activation: Activation,
    groups: int,
    layout: Layout,
) -> Problem:
    if len(input_shape) != 4:
        raise ValueError(f"input_shape must have four sizes, got {tuple(input_shape)}")
    if weight.ndim not in (2, 4) or weight.shape[2:] not in ((), (1, 1)):
        raise ValueError(f"weight must be (out_channels, in_channels // groups) or that with 1, 1, got {weight.shape}")
    if bias is not None and (bias.shape != weight.shape[:1] or bias.dtype != weight.dtype):
        raise ValueError(f"bias must be {weight.dtype} of {weight.shape[:1]}, got {bias.dtype} of {bias.shape}")
    batch, *others = input_shape
    channels, height, width = others if layout == "nchw" else (others[2], *others[:2])
    problem = Problem(
        batch=batch,
        in_channels=channels,
        out_channels=weight.shape[0],
        height=height,
        width=width,
        stride=stride,
        groups=groups,
        bias=bias is not None,
        add=add,
        activation=activation,
        dtype=cast("Dtype", weight.dtype.name),  # a Problem refuses any other
        layout=layout,
    )
    if problem.weight_shape != weight.shape[:2]:
        raise ValueError(f"weight must be of {problem.weight_shape} for this input and groups, got {weight.shape}")
    return problem


def _budget(threads: int) -> int:
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ValueError(f"threads must be a whole number of at least 1, got {threads!r}")
    return threads


def _own(array: Array) -> Array:
    """A copy, as backends are promised it: some keep what they are given."""
    copy = np.array(array, order="C")
    copy.flags.writeable = False
    return copy


# --- what is known ------------------------------------------------------------------------------------------------


_read: dict[tuple[Path, int, int], Wisdom] = {}


def _usable(named: str | PathLike[str] | None, threads: int) -> Wisdom | None:
    """The wisdom that holds here; None where there is none, with a warning where there is a file or one was named."""
    path = usual_place() if named is None else Path(named)
    try:
        found = _kept(path) if named is not None or path.exists() else None
        sentence = None if found is None else why_not_here(found, threads)
    except (WisdomRefused, OSError, ValueError) as error:
        _warn(f"wisdom is not used: {error}", above=1)
        return None
    if sentence is not None:
        _warn(f"wisdom is not used: {path}: {sentence}; make it again with 'pointwise-bench recommend'", above=1)
        return None
    return found


def _kept(path: Path) -> Wisdom:
    """A model has many layers: the file is read again only where it has changed."""
    try:
        now = path.lstat()
    except (OSError, ValueError):
        return read_wisdom(path)  # which says what is wrong
    key = (path.absolute(), now.st_mtime_ns, now.st_size)
    if key not in _read:
        _read[key] = read_wisdom(path)
    return _read[key]


def _warn(sentence: str, above: int = 0) -> None:
    warnings.warn(" ".join(sentence.split()), WisdomWarning, stacklevel=_ABOVE_US + above)


# --- who computes it ----------------------------------------------------------------------------------------------


def _first_that_works(p: Problem, weight: Array, bias: Array | None, threads: int, choice: Choice) -> PlannedLayer:
    """Of the backends in the order of ``choice`` the first that is here, takes the problem and answers right."""
    why = choice.why
    faults = []
    for place, name in enumerate(choice.backends):
        backend, fault = _asked(name, p, threads)
        if backend is None:
            faults += [fault] * bool(fault)
            continue
        try:
            layer = backend.prepare(p, weight, bias, threads)
        except Exception as error:  # a library may raise anything
            faults.append(f"{name} failed: {type(error).__name__}")
            continue
        rival = _cheaper_to_call(name, handing_s(backend, layer, p), choice, choice.backends[place + 1 :])
        if rival is not None:
            why += f"; {name} needs longer to be handed an array than it saves"
            continue
        if faults:
            _warn(f"wisdom is not followed: {'; '.join(faults)}; {name} is used", above=1)
        _hold_blas_to(threads)
        return planned(p, backend, layer, threads, why)
    raise RuntimeError(f"no backend computes {p} here: {'; '.join(faults) or 'all refuse it'}")


def _asked(name: str, p: Problem, threads: int) -> tuple[Backend | None, str]:
    """The backend, or None and why it is not used; no reason where it says itself that the problem is not for it."""
    try:
        backend = registry.get(name)
    except LookupError:
        return None, f"{name} is not here"
    if backend.device != "cpu" or backend.arithmetic != "own" or backend.refuses(p):
        return None, ""
    if missing := backend.missing():
        return None, f"{name}: {missing}"
    fault = fault_of(backend, p, threads)
    return (backend, "") if fault is None else (None, f"{name} {fault}")


def _cheaper_to_call(name: str, handing: float, choice: Choice, behind: Sequence[str]) -> str | None:
    """Of those ``behind`` who takes NumPy's arrays as they are and so is done before ``name`` is; None if nobody."""
    if not handing or name not in choice.seconds:
        return None
    limit = choice.seconds[name] + handing
    usable = (each for each in behind if choice.seconds.get(each, limit) < limit)
    return next((each for each in usable if _is_ours_to_call(each)), None)


def _is_ours_to_call(name: str) -> bool:
    try:
        return takes_arrays(registry.get(name))
    except LookupError:
        return False


def _hold_blas_to(threads: int) -> None:
    """NumPy's BLAS takes its budget from the process; it is never given more than the program has set."""
    import threadpoolctl

    pools = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    if any(pool["num_threads"] > threads for pool in pools):
        threadpoolctl.threadpool_limits(limits=threads, user_api="blas")


@contextmanager
def _torch_keeps_its_gradients() -> Iterator[None]:
    """Backends of torch switch gradients off for their process, which here is a program's own."""
    torch = sys.modules.get("torch")
    enabled = True if torch is None else torch.is_grad_enabled()
    try:
        yield
    finally:
        torch = sys.modules.get("torch")
        if torch is not None:
            torch.set_grad_enabled(enabled)
