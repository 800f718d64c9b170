"""One file for each plot, and the style that all of them share.

Imports ``analysis``, ``claims`` and the rooms before them.
"""
