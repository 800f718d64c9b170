"""A run on disk, read by somebody who trusts no file: typed cells, and a sentence on whatever was left out.

Imports ``statistics``.
"""
