"""Files of layers as a user writes them, and what is said of one that cannot be used."""

from __future__ import annotations

import pytest

from pointwise_bench.suites.catalogue import CatalogueError, select

GEOMETRY = "batch = 1, in_channels = 8, out_channels = 4, height = 3, width = 3"
COLUMNS = "name,batch,in_channels,out_channels,height,width"
CSV = """\ufeffname, count,batch,in_channels,out_channels,height,width,stride,bias,activation,layout
reduce,2,1,192,64,28,28,,TRUE,relu,
,,,,,,,,,,
"short, cut",,1,256,512,56,56,2,0,,nhwc

"""
TOML = """\ufeff
common = { batch = 1 }
[[layer]]
name = "reduce"
count = 2
in_channels = 192
out_channels = 64
height = 28
width = 28
bias = true
activation = "relu"
[[layer]]
name = "short, cut"
in_channels = 256
out_channels = 512
height = 56
width = 56
stride = 2
layout = "nhwc"
"""


def complaint(pattern: str) -> str:
    with pytest.raises(CatalogueError) as caught:
        select([pattern])
    return str(caught.value)
