"""Who competes: the problem, the contract of a backend, and the registry that finds them.

>>> from backends import Problem, Backend, register
"""

from pointwise_bench.backends.backend import Array, Backend, DeviceTimer, Layer
from pointwise_bench.backends.problem import Problem
from pointwise_bench.backends.registry import Registry, Source, UnknownPluginError, registry

register = registry.register
names = registry.names
get = registry.get

__all__ = [
    "Array",
    "Backend",
    "DeviceTimer",
    "Layer",
    "Problem",
    "Registry",
    "Source",
    "UnknownPluginError",
    "get",
    "names",
    "register",
    "registry",
]
