"""What is recorded: status, cell, samples of a pass, the checkpoint of an unfinished run, and the run's folder.

Imports ``design``.
"""
