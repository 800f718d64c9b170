"""Intervals of a median, and the rule by which two backends are compared. Knows no runs, tables or pages.

Imports NumPy and the rule's numbers in ``common`` alone: the harness asks the same rule while it measures.
"""
