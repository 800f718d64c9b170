"""How it is measured: reference, gate, worker processes, rounds, ceilings and the record of a run.

Nothing here knows a backend by name.
"""
