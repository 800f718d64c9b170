"""Who competes: the problem, the contract of a backend, and the registry that finds them.

>>> from backends import Problem, Backend, register
"""

from backends.backend import Backend, DeviceTimer, Layer
from backends.problem import Problem
from backends.registry import Registry, Source, UnknownPluginError

registry = Registry()
register = registry.register
names = registry.names
get = registry.get

__all__ = [
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
]
