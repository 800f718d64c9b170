"""How much is measured, and in which order: rounds, the time budget.

The ground floor: imports nothing of the harness.
"""
