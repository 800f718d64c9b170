"""What a 1x1 convolution buys, as a run has measured it: read, computed, and put into tables.

Imports ``analysis`` and what is below it.
"""
