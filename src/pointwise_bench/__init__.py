"""pointwise-bench: which 1x1 (pointwise) convolution is right and fastest on this machine, and how certain that is.

What a program or a plugin needs of it; the rest of the package is the benchmark itself.

>>> from pointwise_bench import Backend, Problem, register
"""

from pointwise_bench.backends import Array, Backend, DeviceTimer, Layer, Problem, get, names, register

__all__ = ["Array", "Backend", "DeviceTimer", "Layer", "Problem", "get", "names", "register"]
