"""Archives of PyTorch, zips whose members lie below one folder: read within limits, nothing unpacked by pickle."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Final

from pointwise_bench.harvest.operations import HarvestError

_LARGEST_TEXT: Final = 24 << 20
"""Bytes of a member that describes a program; that of ResNet-50 has one and a half million. As JSON of empty lists
they become 26 times as many in the memory."""
_MOST_MEMBERS: Final = 50_000
"""Of an archive. Each is read several times before anything is known of it."""
_DAMAGES: Final = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, OSError, RuntimeError, ValueError, OverflowError),
)
"""What the module ``zipfile`` raises over damaged archives, as seen: ``RuntimeError`` over a member that claims to be
encrypted or packed in an unknown way, ``OSError`` over offsets outside of the file. That there is a file was
made sure of before."""


def members(path: Path) -> list[str]:
    """Names of all members; none where the file is no archive. Raises ``HarvestError``."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except _DAMAGES:
        return []
    if len(names) > _MOST_MEMBERS:
        raise HarvestError(f"{path.name}: is an archive of {len(names):,} members, which no model is")
    return names


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
