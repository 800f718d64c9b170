"""What the host's registers allow: how wide a vector is, and how large a tile may be."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Final

_MANY: Final = (8, 3)
_FEW: Final = (6, 2)


@dataclass(frozen=True)
class Registers:
    """A tile has at most ``rows`` rows of ``vectors`` vectors of ``lanes`` elements.

    Its accumulators, the vectors of one step and one broadcast must fit together: 8 x 3 + 3 + 1 into 32 registers,
    6 x 2 + 2 + 1 into 16. Eight rows and not nine because channel counts are mostly multiples of eight.
    """

    lanes: int
    rows: int
    vectors: int

    @property
    def widest(self) -> int:
        """Elements in the widest row of a tile."""
        return self.lanes * self.vectors

    @property
    def half(self) -> int:
        """Elements in half a vector: the next smaller register, which works at the same rate per element or better."""
        return self.lanes // 2


def registers_of(features: Collection[str], machine: str, item: int) -> Registers:
    """By the names that LLVM gives to a host's features; ``item`` is the size of an element in bytes."""
    if machine.startswith(("aarch64", "arm64")):
        width, tile = 16, _MANY  # NEON has 32 registers
    elif {"avx512f", "avx512vl"} <= set(features):
        width, tile = 64, _MANY
    elif "avx" in features:
        width, tile = 32, _FEW
    else:
        width, tile = 16, _FEW  # SSE2, and whatever else: LLVM splits or joins what the host does not have
    return Registers(width // item, *tile)


@cache
def of_this_host(item: int) -> Registers:
    """The registers of the processor that this process runs on."""
    import platform

    from llvmlite import binding

    features = {name for name, there in binding.get_host_cpu_features().items() if there}
    return registers_of(features, platform.machine().lower(), item)
