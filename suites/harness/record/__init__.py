"""What is recorded: cell, samples of a pass, the checkpoint of an unfinished run, and the run's folder.

The words for a status are in :mod:`pointwise_bench.common.status`. Imports ``design``.
"""
