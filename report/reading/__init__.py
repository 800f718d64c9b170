"""A run on disk, read by somebody who trusts no file: typed cells and claims, and a sentence on whatever was left out.

Imports nothing of the other rooms: nothing is computed from what is read.
"""
