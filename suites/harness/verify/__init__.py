"""Is the answer right? Cases with their answers, the reference, error bounds, the gate, and the name of the mistake.

Imports ``memory`` and ``record``.
"""
