"""What the machine is, and can do at most: processor, ceilings, canary, affinity, thread variables, environment.

Imports ``memory``.
"""
