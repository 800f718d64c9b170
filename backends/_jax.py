"""What the JAX backends share: availability, the thread budget, and crossing between NumPy and JAX."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backends.backend import Array


def missing_jax() -> str | None:
    """The remedy where JAX is not installed."""
    return None if find_spec("jax") else "jax is not installed: python -m pip install 'pointwise-bench[jax]'"


def use_threads(threads: int) -> None:
    """Hold XLA's pool to the budget, let float64 be float64, and compute in the thread that calls.

    XLA's CPU client reads its thread count from ``PJRT_NPROC`` when it is created, by the first array of a process,
    and from no option after that. With asynchronous dispatch every call would be handed to another thread and waited
    for: some microseconds, and one thread above the budget.
    """
    os.environ["PJRT_NPROC"] = str(threads)
    import jax

    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_cpu_enable_async_dispatch", False)


def as_jax(array: Array) -> Any:
    """A JAX array with a copy of the array."""
    import jax.numpy as jnp

    return jnp.array(array, copy=True)
