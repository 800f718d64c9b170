"""Modules of PyTorch: those that a factory of the user's makes, and those of torchvision and timm by their names.

Built on the device ``meta``, without memory for weights, and called there; where a model needs numbers for that, it is
built and called once more in memory.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from pointwise_bench.harvest.operations import HarvestedModel, HarvestError
from pointwise_bench.harvest.torch_models.mismatch import imported_without_operators, is_mismatch
from pointwise_bench.harvest.torch_models.recorder import operations_of

Shape = tuple[int, ...]
_DEFAULT_INPUT: Final[Shape] = (1, 3, 224, 224)

Made = tuple[Any, tuple[Shape, ...]]
"""A module, and the input that it was made for."""


def from_factory(place: str, title: str, inputs: Sequence[Shape], dtype: str = "float32") -> HarvestedModel:
    """What ``package.module:factory`` makes, called without arguments; a module itself may stand there, too."""
    return _harvested(made_by_factory(place, title, inputs), title, dtype)


def from_torchvision(name: str, title: str, inputs: Sequence[Shape], dtype: str = "float32") -> HarvestedModel:
    """A model of torchvision, without weights."""
    return _harvested(made_by_torchvision(name, title, inputs), title, dtype)


def from_timm(name: str, title: str, inputs: Sequence[Shape], dtype: str = "float32") -> HarvestedModel:
    """A model of timm, without weights, at the input size that it is made for."""
    return _harvested(made_by_timm(name, title, inputs), title, dtype)


def made_by_factory(place: str, title: str, inputs: Sequence[Shape]) -> Callable[[], Made]:
    """A function that makes the module of ``from_factory``. Raises ``HarvestError``, now or when it is called."""
    if not inputs:
        raise HarvestError(f"{title}: the shape of its input is not known: give --input, such as --input 1x3x224x224")
    module_name, _, path = place.partition(":")

    def make() -> Made:
        _find_in_current_folder()
        found: Any = _imported(module_name, title)
        try:
            for part in path.split("."):
                found = getattr(found, part)
        except AttributeError:
            raise HarvestError(f"{title}: the module {module_name} has no {path}") from None
        return (found if _is_module(found) else found()), tuple(inputs)

    return make


def made_by_torchvision(name: str, title: str, inputs: Sequence[Shape]) -> Callable[[], Made]:
    """Of ``from_torchvision``."""
    models = _imported("torchvision.models", title, "torchvision", "torchvision")
    _check_name(name, models.list_models(), title)
    # Weights of the backbone of a detector would be fetched, too.
    return lambda: (
        _quietly(lambda: models.get_model(name, weights=None, **_backbone(models, name))),
        _or_default(inputs),
    )


def made_by_timm(name: str, title: str, inputs: Sequence[Shape]) -> Callable[[], Made]:
    """Of ``from_timm``."""
    timm = _imported("timm", title, "timm", "timm")
    _check_name(name.partition(".")[0], timm.list_models(), title)

    def make() -> Made:
        model = _quietly(lambda: timm.create_model(name, pretrained=False))
        size = getattr(model, "default_cfg", {}).get("input_size", _DEFAULT_INPUT[1:])
        return model, tuple(inputs) or ((1, *size),)

    return make


def _harvested(make: Callable[[], Made], title: str, dtype: str) -> HarvestedModel:
    torch: Any = _imported("torch", title, "torch", "torch")
    # The first that works: a model may compute with numbers while it is made, or follow them while it is called.
    failures: list[Exception] = []
    for built_on, called_on in (("meta", "meta"), ("cpu", "meta"), ("cpu", "cpu")):
        try:
            return _on(torch, make, title, dtype, (built_on, called_on))
        except HarvestError:
            raise
        except Exception as error:  # whatever the code of a model raises
            failures.append(error)
    raise HarvestError(f"{title}: cannot be built and called: {type(failures[-1]).__name__}: {failures[-1]}")


def _on(torch: Any, make: Callable[[], Made], title: str, dtype: str, devices: tuple[str, str]) -> HarvestedModel:
    built_on, called_on = devices
    with torch.device(built_on):
        model, shapes = make()
    if not _is_module(model):
        raise HarvestError(f"{title}: is a {type(model).__name__} and no torch.nn.Module")
    kind = getattr(torch, dtype)
    model = model.to(called_on).to(kind).eval()
    with torch.device(called_on):
        operations = operations_of(model, [torch.zeros(shape, dtype=kind) for shape in shapes])
    sizes = ", ".join("x".join(map(str, shape)) for shape in shapes)
    return HarvestedModel(title, f"input {sizes}", operations)


def _is_module(value: Any) -> bool:
    import torch

    return isinstance(value, torch.nn.Module)


def _or_default(inputs: Sequence[Shape]) -> tuple[Shape, ...]:
    return tuple(inputs) or (_DEFAULT_INPUT,)


def _backbone(models: Any, name: str) -> dict[str, None]:
    """The argument that keeps a detector or a segmenter from fetching the weights of its backbone."""
    import inspect

    builder = models.get_model_builder(name)
    return {"weights_backbone": None} if "weights_backbone" in inspect.signature(builder).parameters else {}


def _quietly(make: Callable[[], Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


def _check_name(name: str, known: Sequence[str], title: str) -> None:
    if name in known:
        return
    import difflib

    near = difflib.get_close_matches(name, known, n=3)
    raise HarvestError(f"{title}: no such model{': nearest ' + ', '.join(near) if near else ''}")


def _find_in_current_folder() -> None:
    """The console script does not look there; ``python -m`` does."""
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)


def _imported(name: str, title: str, package: str | None = None, pip: str | None = None) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == package:
            raise HarvestError(f"{title}: {package} is not installed: pip install {pip}") from None
        dotted = f"; a module is named without .py: {name[:-3]}" if name.endswith(".py") else ""
        raise HarvestError(f"{title}: cannot import {name}: {error}{dotted}") from None
    except Exception as error:  # a package whose parts do not fit together fails in its own ways
        if is_mismatch(error):
            return imported_without_operators(name)
        raise HarvestError(f"{title}: cannot import {name}: {type(error).__name__}: {error}") from None
