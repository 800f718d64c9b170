"""Code that is written for the processor at hand: registers, tiles, dot products, and copies of packed operands.

Imports ``blocking`` of the package above; what schedules and calls the kernels stands there.
"""
