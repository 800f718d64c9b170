"""What a source tells of a model: its operations that multiply and add, each with what a layer's file needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Final

NO_ACTIVATION: Final = "none"


class HarvestError(ValueError):
    """A model that cannot be harvested; its message is one line that says what to change."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split())[:600])


@dataclass(frozen=True, kw_only=True)
class Convolution:
    """A convolution over any number of dimensions, with any kernel. Lists of sizes hold one for each dimension."""

    name: str
    batch: int
    in_channels: int
    image: tuple[int, ...]
    out_channels: int
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...] = (0,)
    """At the beginning and the end of every dimension; which is which does not matter here."""
    out_image: tuple[int, ...]
    groups: int = 1
    bias: bool = False
    """Also of the batch normalisation that stands right behind, which is folded for inference."""
    activation: str = NO_ACTIVATION
    """What stands right behind, by the names of the catalogue: ``relu``, ``relu6``, ``silu``, ..."""
    after_residual: str | None = None
    """What stands behind a residual of the output's shape that is added right behind; None where none is."""
    adds: bool = False
    """Whether that residual is part of the layer, and :attr:`activation` what stands behind the sum."""
    dtype: str = "float32"
    transposed: bool = False
    count: int = 1

    @property
    def is_pointwise(self) -> bool:
        """Whether the kernel covers one element in every dimension."""
        return not self.transposed and all(size == 1 for size in self.kernel)

    @property
    def macs(self) -> int:
        """Multiply-adds of one occurrence."""
        pixels = self.image if self.transposed else self.out_image
        return self.batch * prod(pixels) * prod(self.kernel) * self.in_channels * self.out_channels // self.groups


@dataclass(frozen=True, kw_only=True)
class Linear:
    """A linear layer: the last dimension of its input is mapped, whatever the others are."""

    name: str
    input_shape: tuple[int, ...]
    out_features: int
    bias: bool = False
    activation: str = NO_ACTIVATION
    dtype: str = "float32"
    count: int = 1

    @property
    def macs(self) -> int:
        """Multiply-adds of one occurrence."""
        return prod(self.input_shape) * self.out_features


@dataclass(frozen=True, kw_only=True)
class OtherProduct:
    """Anything else that multiplies and adds, or may do so, told by name only."""

    name: str
    what: str
    """In words that may stand behind a number: ``product of two activations``."""
    macs: int | None
    """None where its sizes are not known."""
    count: int = 1


Operation = Convolution | Linear | OtherProduct


@dataclass(frozen=True)
class HarvestedModel:
    """A model by its operations, in their order."""

    title: str
    """As the user named it."""
    details: str
    """With which input sizes, by which program; empty where there is nothing to say."""
    operations: tuple[Operation, ...]
