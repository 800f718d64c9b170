"""OpenCL: kernels of our own on whatever device the machine has, PoCL's processor device included."""

from __future__ import annotations

from pointwise_bench import register
from pointwise_bench.backends._shared.opencl import device


@register
class OpenCl(device.OpenClDevice):
    """The kernels of ``_opencl_kernels.py`` on the first device (``PYOPENCL_CTX`` chooses another).

    They are compiled for the shape. On a processor PoCL makes vector code of them, its threads held to the budget by
    ``POCL_MAX_PTHREAD_COUNT``. The gradient of the input is the same product, of transposed weights. Inputs and
    results stay in the device's memory: no transfer is on the clock.
    """

    name = "opencl"
