"""Values of options that several commands take, for argparse."""

from __future__ import annotations

from argparse import ArgumentTypeError


def share(text: str) -> float:
    """A share such as 0.02. ``ArgumentTypeError`` for anything else."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ArgumentTypeError(f"{text!r} is not a share such as 0.02")
    return value
