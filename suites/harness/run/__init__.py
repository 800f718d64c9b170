"""A run from the command line to the disk: session, plan, passes, trials, and what is printed meanwhile.

The top floor: imports every other room.
"""
