"""Cheats by what they declare of a device: that there is one, what its clock tells, or that nobody knows it."""
