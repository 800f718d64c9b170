"""Intervals of a median, and the rule by which two backends are compared. Knows no runs, tables or pages.

The ground floor: imports NumPy alone, and is what the harness asks too.
"""
