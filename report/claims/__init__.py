"""What a 1x1 convolution buys, as a run has measured it: predicted work, gains, where lost time went, and their tables.

Imports ``analysis`` and the rooms before it.
"""
