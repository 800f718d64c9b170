"""The backends that people use today: what a speed-up is counted against, and so never screened out."""

from __future__ import annotations

from typing import Final

WHAT_PEOPLE_USE: Final = ("torch-conv2d", "numpy-matmul")
"""A speed-up over these is what a reader would gain: the call that a framework's layer makes, then plain NumPy."""
