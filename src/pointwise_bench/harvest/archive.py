"""Archives of PyTorch, zips whose members lie below one folder: read within limits, nothing unpacked by pickle."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Final

from pointwise_bench.harvest.operations import HarvestError

_LARGEST_TEXT: Final = 64 << 20
"""Bytes of a member that describes a program; that of ResNet-50 has one and a half million."""
_DAMAGES: Final = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, OSError, RuntimeError, ValueError, OverflowError),
)
"""What the module ``zipfile`` raises over damaged archives, as seen: ``RuntimeError`` over a member that claims to be
encrypted or packed in an unknown way, ``OSError`` over offsets outside of the file. That there is a file was
made sure of before."""


def members(path: Path) -> list[str]:
    """Names of all members; none where the file is no archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except _DAMAGES:
        return []


def member(path: Path, name: str) -> bytes:
    """The content of a member. Raises ``HarvestError``."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(name) as file:
            content = file.read(_LARGEST_TEXT + 1)
    except (*_DAMAGES, KeyError) as error:
        raise HarvestError(f"{path.name}: is damaged: {error}") from None
    if len(content) > _LARGEST_TEXT:
        raise HarvestError(f"{path.name}: {name} in it is larger than any program")
    return content
