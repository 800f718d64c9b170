"""How much is measured, and in which order: rounds, the time budget, costs.

The ground floor: imports nothing of the harness.
"""
