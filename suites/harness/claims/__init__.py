"""What a 1x1 convolution buys, measured: the inputs of a claim, its variants made ready, and their times.

The claims themselves are data, in ``suites/claims``. Imports ``timing``, ``verify`` and what is below them.
"""
