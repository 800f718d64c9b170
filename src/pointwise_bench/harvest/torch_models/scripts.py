"""TorchScript files: loaded by PyTorch without weights, and called once on the device ``meta``.

TorchScript is a program, and loading it unpickles by a reader of PyTorch's own that runs no Python. A damaged file may
end the process all the same: whoever reads one does so by ``safely``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pointwise_bench.harvest.archive import members
from pointwise_bench.harvest.operations import HarvestedModel, HarvestError
from pointwise_bench.harvest.torch_models.recorder import operations_of

Shape = tuple[int, ...]


def is_script(path: Path) -> bool:
    """Whether the archive holds code of TorchScript."""
    return any("/code/" in f"/{name}" for name in members(path))


def from_file(path: Path, title: str, inputs: Sequence[Shape]) -> HarvestedModel:
    """The operations of the model in ``path``. Raises ``HarvestError``."""
    if not inputs:
        raise HarvestError(f"{title}: the shape of its input is not in the file: give --input, such as 1x3x224x224")
    failures: list[Exception] = []
    for device in ("meta", "cpu"):  # a path that depends on numbers needs them
        try:
            return HarvestedModel(title, f"input {_words(inputs)}", _operations(path, inputs, device))
        except Exception as error:  # PyTorch's loader and TorchScript raise what they like
            failures.append(error)
    message = str(failures[-1]).strip().splitlines()
    raise HarvestError(f"{title}: cannot be loaded and called: {message[-1] if message else failures[-1]!r}")


def from_pickle(path: Path, title: str, inputs: Sequence[Shape]) -> HarvestedModel:
    """The operations of a module that ``torch.save`` has pickled, which runs whatever code the file names."""
    import torch

    try:
        found = torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:  # unpickling raises what it likes
        raise HarvestError(f"{title}: cannot be unpickled: {type(error).__name__}: {error}") from None
    if not isinstance(found, torch.nn.Module):
        raise HarvestError(f"{title}: holds a {type(found).__name__} and no model: name the code that makes it")
    if not inputs:
        raise HarvestError(f"{title}: the shape of its input is not known: give --input, such as --input 1x3x224x224")
    try:
        return HarvestedModel(title, f"input {_words(inputs)}", _called(found.eval(), inputs, "cpu"))
    except Exception as error:  # whatever the code of a model raises
        raise HarvestError(f"{title}: cannot be called: {type(error).__name__}: {error}") from None


def _operations(path: Path, inputs: Sequence[Shape], device: str) -> Any:
    import torch

    return _called(torch.jit.load(str(path), map_location=device).eval(), inputs, device)


def _called(model: Any, inputs: Sequence[Shape], device: str) -> Any:
    import torch

    kind = next((each.dtype for each in model.parameters() if each.dtype.is_floating_point), torch.float32)
    with torch.device(device):
        return operations_of(model, [torch.zeros(shape, dtype=kind) for shape in inputs])


def _words(inputs: Sequence[Shape]) -> str:
    return ", ".join("x".join(map(str, shape)) for shape in inputs)
