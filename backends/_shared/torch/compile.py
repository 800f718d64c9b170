"""What the torch-compile backends share: the function that is compiled, and the compiler that it needs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from pointwise_bench.backends._shared.activation import tensors as activation
from pointwise_bench.backends.backend import RUN_CACHE
from pointwise_bench.backends.problem import Problem

REMEDY = "apt-get install g++, or name one in CXX"


def missing_compiler() -> str | None:
    """A C++ compiler, where inductor would find none."""
    found = shutil.which(os.environ.get("CXX", "g++")) or shutil.which("clang++")
    return None if found else f"inductor needs a C++ compiler, and none is on the path: {REMEDY}"


def compiled_layer(p: Problem, kernel: Any, bias: Any) -> Any:
    """``conv2d``, residual and activation through ``torch.compile``, compiled by the first call: of tensors."""
    compiled = _compiled(p)
    if p.add:
        return lambda x, residual: compiled(x, kernel, bias, residual)
    return lambda x: compiled(x, kernel, bias)


@contextmanager
def kept_for_the_run() -> Iterator[None]:
    """What is compiled inside comes from no other run: inductor keeps its code between processes, for the user.

    Within a run it may come from an earlier start of the worker, or compiling would be most of the run. Where there is
    no run it goes into a temporary folder, and only the compiler's precompiled header stays, in inductor's own folder
    beside the temporary ones.
    """
    if (folder := os.environ.get(RUN_CACHE)) is None:
        from torch._inductor.utils import fresh_cache

        with fresh_cache():
            yield
    else:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(Path(folder) / "inductor")
        yield


@lru_cache(maxsize=1)
def _compiled(p: Problem) -> Any:
    """The compiled function of the present problem; weights are arguments, so that those of the gate compile nothing.

    Code is made for the one shape: by the configuration, since ``dynamic=False`` patches it in every call, which takes
    some microseconds. ``fullgraph=True`` turns what would be a silent fall-back to eager
    into an error, the limit of eight compilations included. What was compiled for problems before is forgotten: each
    would be asked in every call whether its guards hold.
    """
    import torch
    from torch.nn.functional import conv2d

    torch._dynamo.reset()
    torch._dynamo.config.automatic_dynamic_shapes = False
    # Its pool of compiling processes is not part of a thread budget.
    torch._inductor.config.compile_threads = 1
    nhwc = p.layout == "nhwc"

    def compute(x: Any, kernel: Any, bias: Any, residual: Any = None) -> Any:
        if nhwc:
            x = x.permute(0, 3, 1, 2)
        y = conv2d(x, kernel, bias, stride=p.stride, groups=p.groups)
        if p.add:
            y = y + (residual.permute(0, 3, 1, 2) if nhwc else residual)
        y = activation.compiled(p, y)
        return y.permute(0, 2, 3, 1) if nhwc else y

    return torch.compile(compute, fullgraph=True)
