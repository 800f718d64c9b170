"""What the compiled code is told of a layer and its pieces: which word of a list means what."""

from __future__ import annotations

from typing import Final

ACTIVATIONS: Final = ("none", "relu", "relu6", "silu", "hardswish", "gelu", "sigmoid")
"""By the number under which the compiled code knows them."""

WORK, X, Y, PLAN, OTHER, ACTIVATION, THREAD, TEAM, PARTS, ZEROS, BEGINS = range(11)
"""Where the words lie. ``OTHER``, ``THREAD`` and ``TEAM`` may be 0: nothing is added, nobody shares the work. ``ZEROS``
is what is added then. From ``BEGINS`` on: the first piece of each part and the end of the last; then the pieces."""

PIECE: Final = 4
"""Words of a piece: where its result begins in bytes, rows, bytes from row to row, and elements of a row."""
