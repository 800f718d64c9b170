"""One file a plot, and the style that all of them share.

Imports ``analysis``, ``claims`` and what is below them.
"""
