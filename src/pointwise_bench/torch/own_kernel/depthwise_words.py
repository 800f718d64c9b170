"""What the code for depthwise convolutions is told: which word of a list means what."""

from __future__ import annotations

from typing import Final

WEIGHT, BIAS, ROWS, COLUMNS, CHANNELS, OUT_COLUMNS, STRIDE, PADDING, SIDE, HEAD = range(10)
"""Addresses of weights, a row of channels for each tap, and of the bias; sizes of a picture. The pieces follow."""

PIECE: Final = 4
"""Words of a piece: where its picture and its result begin, in bytes; its first row; how many rows it has."""
