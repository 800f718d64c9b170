"""What a run means in numbers: timings, comparisons, networks, roofs, health, and the comparison of two runs.

Imports ``reading`` and ``statistics``.
"""
