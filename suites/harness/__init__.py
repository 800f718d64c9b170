"""How it is measured. Knows no backend by name.

Rooms from the ground floor up, each of which imports from those before it only: ``design``, ``record``, ``memory``,
``machine``, ``verify``, ``timing``, ``claims``, ``worker``, ``run``.
"""
