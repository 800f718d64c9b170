"""Patches: windows of a picture side by side, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pointwise_bench.suites.claims import Patches
from pointwise_bench.suites.claims.patches import Gather


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_patches_are_gathered_anew_in_every_call_and_zero_beyond_the_border(layout: str) -> None:
    patches = Patches(batch=1, channels=2, height=3, width=4, size=3, layout=layout)  # type: ignore[arg-type]
    gather = Gather(patches)
    shape = (1, 2, 3, 4) if layout == "nchw" else (1, 3, 4, 2)
    for value in (1.0, 2.0):
        found = gather(np.full(shape, value, np.float32))
        assert found.ctypes.data % 64 == 0
        assert not found.flags.writeable
        # Of 12 windows of 9 pixels with 2 channels, 70 pixels lie in the picture: (3*3 - 2) * (4*3 - 2).
        assert found.sum() == value * 2 * (3 * 3 - 2) * (4 * 3 - 2)


def test_a_window_has_a_middle() -> None:
    with pytest.raises(ValueError, match="size"):
        Patches(batch=1, channels=1, height=4, width=4, size=2)
