"""A run from the command line to the disk: options, session, plan, passes, trials, progress, pytest-benchmark's table.

Imports every other package of the harness, and nothing imports it but the tests in ``suites``. ``undecided`` asks the
report's own rule of verdicts.
"""
