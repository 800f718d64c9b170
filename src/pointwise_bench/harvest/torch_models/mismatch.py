"""A torchvision whose compiled operators do not fit the PyTorch that is installed: its models do without, but for some.

PyPI's torchvision for Linux is built for CUDA and loads none of its operators beside a PyTorch for the CPU; one that is
made for another release of PyTorch does neither. Its import ends then at the first operator that it describes, and so
does timm's, though what is made of layers alone, as classifiers are, needs none of them.
"""

from __future__ import annotations

import importlib
import re
import sys
from typing import Any, Final

from pointwise_bench.harvest.operations import HarvestError

_SAID: Final = re.compile(r"operator torchvision::\w+ does not exist")
_OPERATORS: Final = ("nms", "qnms")
"""Those that torchvision describes without asking whether it has them."""
_SIGNATURE: Final = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"

_declared: list[Any] = []
"""A library of operators is undone with the object that declared it."""


def is_mismatch(error: Exception) -> bool:
    """Whether an import ended for that reason."""
    return isinstance(error, RuntimeError) and _SAID.search(str(error)) is not None


def imported_without_operators(name: str) -> Any:
    """Import ``name`` once more, with the missing operators declared and nobody to compute them, and say so.

    A model that calls one, as detectors do, meets torchvision's own error then.
    """
    import torch

    if not _declared:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for operator in _OPERATORS:
            library.define(operator + _SIGNATURE)
        _declared.append(library)
    try:
        module = importlib.import_module(name)
    except Exception as error:  # of another release, which wants something else
        raise HarvestError(f"cannot import {name}: {remedy()} ({error})") from None
    print(f"note: {remedy()}; models of layers alone do without", file=sys.stderr, flush=True)
    return module


def remedy() -> str:
    """What is wrong, and what mends it."""
    import torch

    version = torch.__version__
    build = version.partition("+")[2] or "cpu"
    return (
        f"torchvision's compiled operators do not load beside torch {version}: reinstall both from one index, such as"
        f" pip install --force-reinstall torch torchvision --index-url https://download.pytorch.org/whl/{build}"
    )
