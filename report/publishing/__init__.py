"""The site of all runs under a folder: what is published, whether a run holds what is published, badges, histories.

Imports ``pages`` and the rooms before it.
"""
