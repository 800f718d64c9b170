"""Is the answer right? Cases with their answers, the reference, error bounds, the gate, and the name of the mistake.

``gate`` is where an answer is judged, in the harness's process; ``questions``, ``respondent``, ``layer_calls`` and
``recomputation`` are what a worker has of this. No answer is there. Imports ``memory`` and ``record``.
"""
