"""pointwise-bench: which 1x1 (pointwise) convolution is right and fastest on this machine, and how certain that is.

What a program or a plugin needs of it; the rest of the package is the benchmark itself.

>>> from pointwise_bench import Backend, Problem, plan, register
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pointwise_bench.backends import Array, Backend, DeviceTimer, Layer, Problem, get, names, register

if TYPE_CHECKING:
    from pointwise_bench.wisdom.plan import plan as plan

__all__ = ["Array", "Backend", "DeviceTimer", "Layer", "Problem", "get", "names", "plan", "register"]


def __getattr__(name: str) -> Any:
    """``plan``, when it is first asked for: it needs NumPy and much of the house, which a plugin must not pay for."""
    if name != "plan":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = import_module(f"{__name__}.wisdom.plan").plan
    return found
