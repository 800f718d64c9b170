"""Memory that is shared with a worker, guarded from a plugin, or laid out at random.

Imports ``record``, for the exception that a guard raises.
"""
