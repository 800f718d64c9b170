"""The parts of ``numba-microkernel``, each of which can be read by itself.

In the order of reading: ``registers`` (what a processor offers), ``llvm``, ``words`` (what a kernel is told),
``smooth`` (the longer activations), ``tile``, ``generator`` and ``dots`` (the kernels), ``packing`` (the order of the
operands), ``numbering`` (which kernels there are), ``objects`` (each of them compiled and kept), ``blocking`` (how
dimensions are cut), ``sweep``, ``layout``, ``planes`` and ``rows`` (what is computed in one go), ``schedule`` (who
computes what), ``table`` (the kernels that this takes), ``intrinsics``, ``passes`` and ``compiled`` (what runs), and
``layer`` (all of it together). docs/MICROKERNEL.md tells why it is made this way, with measurements.
"""
