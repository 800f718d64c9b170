"""Wisdom that cannot be used: said in one line, and never an error of a program that only wanted a layer."""

from __future__ import annotations


class WisdomWarning(UserWarning):
    """Wisdom is not used, or not as it stands, and why; the layer is planned without it."""


class WisdomRefused(Exception):
    """Why a file of wisdom, or the runs for one, cannot be used: one line that names the place and the remedy."""
