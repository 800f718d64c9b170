"""Is the answer right? Cases with their answers, the reference, error bounds, the gate, and the name of the mistake.

``gate`` is where an answer is judged. Imports ``memory`` and ``record``.
"""
