"""The model that is to be optimised, with an input: made in memory, as ``harvest`` makes it without."""

from __future__ import annotations

from typing import Any, Final

from pointwise_bench.harvest.operations import HarvestError
from pointwise_bench.harvest.sources import NamedModel, maker_of_module

SEED: Final = 0
_LIBRARIES: Final = ("torchvision:", "timm:")


def refuse_no_module(name: str, inputs: tuple[tuple[int, ...], ...]) -> None:
    """``HarvestError`` where a name alone shows that nothing can be made of it: nobody has to wait for PyTorch then."""
    if not name.startswith(_LIBRARIES):
        maker_of_module(NamedModel(name, inputs))


def subject(name: str, inputs: tuple[tuple[int, ...], ...]) -> tuple[Any, Any]:
    """A module in the mode of evaluation, and one float32 tensor that it is called with. Raises ``HarvestError``."""
    make = maker_of_module(NamedModel(name, inputs))
    import torch

    torch.manual_seed(SEED)
    try:
        model, shapes = make()
    except HarvestError:
        raise
    except Exception as error:  # whatever the code of a model raises
        raise HarvestError(f"{name}: cannot be made: {type(error).__name__}: {error}") from None
    if not isinstance(model, torch.nn.Module):
        raise HarvestError(f"{name}: is a {type(model).__name__} and no torch.nn.Module")
    if len(shapes) != 1:
        raise HarvestError(f"{name}: takes {len(shapes)} inputs; a model of one input can be optimised")
    if name.startswith(_LIBRARIES):
        _as_trained(model)
    return model.eval(), torch.randn(shapes[0])


def _as_trained(model: Any) -> None:
    """Give normalisations other statistics than 0 and 1, as weights are not fetched: folding would show nothing."""
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d) and module.running_mean is not None:
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2)
