"""What the machine is, and can do at most: processor, ceilings, canary, core distance, affinity, environment.

Imports ``memory``.
"""
