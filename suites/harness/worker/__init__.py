"""The process that a backend has to itself: client and pool here, main and handlers there, limits and the reaper.

Imports ``claims``, ``timing`` and what is below them.
"""
