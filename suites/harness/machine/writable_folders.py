"""The folders in which a worker may change files: one of its own for temporary files, and where compilers keep code."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from getpass import getuser
from importlib.util import find_spec
from pathlib import Path
from re import sub
from typing import Final

MORE: Final = "POINTWISE_BENCH_MAY_WRITE"
"""Environment variable of the user's: further folders, separated as those of ``PATH`` are."""
_NAMED_BY: Final = ("CACHE_DIR", "CACHE_HOME", "CACHE_PATH")  # ends of variables that name a folder for compiled code
_OF_HOME: Final = (".cache", ".nv", ".triton", ".cupy")
_DEVICES: Final = ("/dev", "/proc/self")
SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108  # no file of ours: libraries of threads keep their registers there


def folders_of(temporary: Path, cache: str | None, protected: Path) -> list[str]:
    """What may be changed by a worker with the folder ``temporary``; nothing in which ``protected`` lies."""
    home = Path.home()
    named = _named()
    named += [each for each in os.environ.get(MORE, "").split(os.pathsep) if each]
    caches = [home / name for name in _OF_HOME] + [Path(each) for each in named] + [_of_inductor()]
    guarded = protected.resolve()
    kept = [each for each in caches if not guarded.is_relative_to(each.resolve())]
    return [*map(str, (temporary, *kept)), SHARED_MEMORY, *([] if cache is None else [cache])]


def written_to_only() -> list[str]:
    """Where a worker may write to what is there: devices, and what the system tells of itself."""
    return list(_DEVICES)


def furnish(temporary: Path) -> dict[str, str]:
    """Make the folder, and tell which variables name it.

    Folders of compiled code are made as well: a worker may write to those that are there, and make none beside them.
    Where nobody had used a cache before, numba refused to compile.

    PyTorch's compiler keeps the header that it has compiled, for all processes of a user, in a folder beside temporary
    files; without a way there each worker would compile it anew, for seconds.
    """
    temporary.mkdir(parents=True, exist_ok=True)
    for folder in (Path.home() / ".cache", *map(Path, _named())):
        with suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(OSError, ImportError, ValueError):
        if find_spec("torch") is not None:
            _of_inductor().mkdir(exist_ok=True)
            (temporary / _of_inductor().name).symlink_to(_of_inductor())
    return dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))


def _named() -> list[str]:
    return [value for name, value in os.environ.items() if name.endswith(_NAMED_BY) and value]


def _of_inductor() -> Path:
    user = sub(r'[\\/:*?"<>|]', "_", getuser())
    return Path(tempfile.gettempdir()) / f"torchinductor_{user}"
