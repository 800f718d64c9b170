"""One 1x1 convolution of a model, with the normalisation and activation behind it, as one planned layer.

A plan is for one shape and for the parameters as they are. It is made when a shape is first met, held against the
modules on that very input, and thrown away when a parameter changes. Whatever it is not made for goes to the modules.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from os import PathLike
from typing import Any, Final

import numpy as np

from pointwise_bench.backends.problem import Activation
from pointwise_bench.suites.harness.verify.error_bounds import allowed_error
from pointwise_bench.wisdom.plan import plan, recommended
from pointwise_bench.wisdom.planned_layer import PlannedLayer

MOST_SHAPES: Final = 16
"""Plans of one site; a program whose shapes change all the time is better served without."""

BOTH_ERR: Final = 4.0
"""Times the bound of the gate that plan and modules may differ by: either may err by it, and where a normalisation is
folded its factor is rounded with the weights in the one and after the sum in the other."""


@dataclass
class PlannedSite:
    """``site(x)`` for a convolution ``conv``, an optional ``norm`` (in evaluation) and ``relu``."""

    conv: Any
    norm: Any | None
    relu: bool
    wisdom: str | PathLike[str] | None
    _layers: dict[Any, PlannedLayer | None] = field(default_factory=dict)
    _results: dict[Any, tuple[Any, Any]] = field(default_factory=dict)
    _state: tuple[Any, ...] = ()
    reason: str = "never called"

    def modules(self, x: Any) -> Any:
        """The same by the model's own modules."""
        y = self.conv(x)
        y = y if self.norm is None else self.norm(y)
        return y.relu() if self.relu else y

    def __call__(self, x: Any) -> Any:
        """A plan's result where there is one; its memory is overwritten by the next call."""
        state = self._state_now()
        if state != self._state:
            self._layers.clear()
            self._results.clear()
            self._state = state
        trains = self.norm is not None and self.norm.training
        if trains or x.device.type != "cpu" or not x.is_contiguous():
            return self.modules(x)
        key = (x.shape, x.dtype)
        if key not in self._layers:
            if len(self._layers) >= MOST_SHAPES:
                return self.modules(x)
            self._layers[key] = self._planned(x)
        layer = self._layers[key]
        if layer is None:
            return self.modules(x)
        y = layer(x.detach().numpy())
        kept, tensor = self._results.get(key, (None, None))
        if kept is not y:
            import torch

            tensor = torch.from_numpy(y)
            self._results[key] = (y, tensor)
        return tensor

    def memory(self) -> set[int]:
        """Where results lie that the next call overwrites."""
        return {tensor.untyped_storage().data_ptr() for _, tensor in self._results.values()}

    @property
    def backend(self) -> str | None:
        """Who computes the shapes met so far; None where the modules do."""
        return next((layer.backend for layer in self._layers.values() if layer is not None), None)

    def _state_now(self) -> tuple[Any, ...]:
        """Changes with every way in which a parameter can: in place, by another tensor, by a move.

        Training changes running statistics without a mark on them, and counts its batches.
        """
        tensors = [self.conv.weight, self.conv.bias]
        if self.norm is not None:
            norm = self.norm
            tensors += [norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.num_batches_tracked]
        return tuple((one.data_ptr(), one._version) for one in tensors if one is not None)

    def _planned(self, x: Any) -> PlannedLayer | None:
        import torch

        weight, bias = self._folded()
        activation: Activation = "relu" if self.relu else "none"
        given: dict[str, Any] = {
            "input_shape": tuple(x.shape),
            "stride": self.conv.stride[0],
            "groups": self.conv.groups,
            "activation": activation,
            "threads": torch.get_num_threads(),
            "wisdom": self.wisdom,
        }
        try:
            chosen = recommended(weight, bias, **given)
            if chosen is None:
                self.reason = "no wisdom"
                return None
            if chosen.startswith("torch-"):
                self.reason = f"PyTorch itself is fastest ({chosen})"
                return None
            layer = plan(weight, bias, **given)
        except (ValueError, RuntimeError) as error:
            self.reason = str(error)
            return None
        if layer.backend != chosen:
            self.reason = f"{chosen} was found fastest and cannot be used here"
            return None
        if not self._agrees(layer, x, weight, bias):
            self.reason = f"{layer.backend} differs from the modules by more than both may err"
            return None
        self.reason = layer.why
        return layer

    def _folded(self) -> tuple[Any, Any]:
        """Weights and bias as arrays, with the normalisation taken in, in double precision on the way."""
        conv, norm = self.conv, self.norm
        kind = conv.weight.detach().numpy().dtype
        weight = conv.weight.detach().numpy().astype(np.float64).reshape(conv.out_channels, -1)
        bias = None if conv.bias is None else conv.bias.detach().numpy().astype(np.float64)
        if norm is not None:
            scale = 1.0 / np.sqrt(norm.running_var.numpy().astype(np.float64) + norm.eps)
            if norm.weight is not None:
                scale *= norm.weight.detach().numpy()
            shift = -norm.running_mean.numpy() * scale
            if norm.bias is not None:
                shift = shift + norm.bias.detach().numpy()
            weight = weight * scale[:, None]
            bias = shift if bias is None else bias * scale + shift
        return weight.astype(kind), None if bias is None else bias.astype(kind)

    def _agrees(self, layer: PlannedLayer, x: Any, weight: Any, bias: Any) -> bool:
        import torch
        from torch.nn.functional import conv2d

        sizes = torch.from_numpy(abs(weight))[:, :, None, None]
        offsets = None if bias is None else torch.from_numpy(abs(bias))
        if self.norm is not None:  # what cancels in the folded bias was added and taken off in the modules
            offsets = offsets + self._factor().abs() * self.norm.running_mean.abs()
        magnitude = conv2d(x.abs(), sizes, offsets, stride=self.conv.stride, groups=self.conv.groups)
        allowed = BOTH_ERR * allowed_error(layer.problem) * magnitude
        differing = (torch.from_numpy(layer(x.detach().numpy())) - self.modules(x)).abs()
        return bool((differing <= allowed).all())

    def _factor(self) -> Any:
        """By which the normalisation multiplies."""
        scale = (self.norm.running_var + self.norm.eps).rsqrt()  # type: ignore[union-attr]
        weight = self.norm.weight  # type: ignore[union-attr]
        return scale if weight is None else scale * weight.detach()
