"""Which of oneDNN's kernels torch ran, from what oneDNN says when it is asked to be verbose."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Callable
from typing import Any

EXECUTED = re.compile(r"onednn_verbose,v\d+,primitive,exec,cpu,(\w+),([\w:.+]+),")


def kernels_of(call: Callable[[], Any]) -> list[str]:
    """``convolution by brgconv_1x1:avx512_core`` for each primitive that ``call`` ran, without repetitions.

    oneDNN writes to the output of the process, which is another file meanwhile.
    """
    import torch

    flush = ctypes.CDLL(None).fflush
    kept, caught = os.dup(1), os.memfd_create("onednn")
    try:
        flush(None)
        os.dup2(caught, 1)
        with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):
            call()
        flush(None)
    finally:
        os.dup2(kept, 1)
        os.close(kept)
    with os.fdopen(caught, "rb") as file:
        file.seek(0)
        said = file.read().decode(errors="replace")
    return list(dict.fromkeys(f"{primitive} by {kernel}" for primitive, kernel in EXECUTED.findall(said)))
