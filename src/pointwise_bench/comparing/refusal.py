"""Why there is nothing to compare: one line for whoever asked."""

from __future__ import annotations


class NoOtherVersion(ValueError):
    """The other version cannot be had, or not be measured, for the reason that it carries."""
