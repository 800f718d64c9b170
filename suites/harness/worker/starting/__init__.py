"""Workers as forks of a process that has imported what all of them need: see :mod:`fork_server`.

May import from the folder above it what a worker itself runs, and nothing of the run.
"""
