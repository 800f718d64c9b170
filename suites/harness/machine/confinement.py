"""Where the files are that a worker may write, and whom it may signal: the kernel's Landlock, asked by system calls.

A process that was confined cannot undo it, nor can what it starts. Reading is not restricted, and neither is what was
open before, as its log is. Only Linux has it, from 5.13 on, and from 6.12 on it holds signals back as well.

By system calls of one's own: what packages there are wrap these three calls and compile code or are no longer kept.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on every architecture: asm-generic/unistd.h
VERSION: Final = 1  # LANDLOCK_CREATE_RULESET_VERSION
PATH_BENEATH: Final = 1
PR_SET_NO_NEW_PRIVS: Final = 38

WRITE_FILE: Final = 1 << 1
_REMOVE_AND_MAKE: Final = sum(1 << bit for bit in range(4, 13))  # of folders, files, sockets, pipes, devices, links
_REFER, _TRUNCATE = 1 << 13, 1 << 14  # of versions 2 and 3
_SIGNALS: Final = 1 << 1  # LANDLOCK_SCOPE_SIGNAL, of version 6
SIGNALS_SINCE: Final = 6


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """Of the kernel's Landlock; 0 where it has none."""
    if sys.platform != "linux":
        return 0
    return max(0, _call(CREATE_RULESET, None, 0, VERSION))


def confine(folders: Iterable[str], written_to: Iterable[str] = ()) -> bool:
    """Let this process change files beneath ``folders`` only, and signal no process but those that it starts.

    Beneath ``written_to`` it may write to what is there, and make nothing.

    For good. False where the system cannot do that; the process is then as free as before.
    """
    if not (found := version()):
        return False
    rights = WRITE_FILE | _REMOVE_AND_MAKE | (_REFER if found >= 2 else 0) | (_TRUNCATE if found >= 3 else 0)
    asked = _Ruleset(rights, 0, _SIGNALS if found >= SIGNALS_SINCE else 0)
    size = ctypes.sizeof(asked) if found >= SIGNALS_SINCE else 8
    ruleset = _call(CREATE_RULESET, ctypes.byref(asked), size, 0)
    if ruleset < 0:
        return False
    try:
        of_file = rights & (WRITE_FILE | _TRUNCATE)
        for paths, allowed in ((folders, rights), (written_to, of_file)):
            for path in paths:
                _allow(ruleset, path, allowed)
        if ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            return False
        return _call(RESTRICT_SELF, ruleset, 0) == 0
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, allowed: int) -> None:
    with suppress(OSError):  # what is not there needs no leave
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            beneath = _Beneath(allowed, parent)
            _call(ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(beneath), 0)
        finally:
            os.close(parent)


def _call(number: int, *arguments: object) -> int:
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    wide = (ctypes.c_long(each) if isinstance(each, int) else each for each in arguments)
    return int(library.syscall(ctypes.c_long(number), *wide))
