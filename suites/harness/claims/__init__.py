"""Measuring a claim: inputs and reference results, variants made ready, their times, and the file of results.

The claims themselves are data, in ``suites/claims``. Imports those, ``timing``, ``verify`` and what is below them.
"""
