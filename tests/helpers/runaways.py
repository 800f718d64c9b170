"""Statements that run away from a process, each by giving up more than the one before; for a plugin or a worker.

``WORD`` stands in the command line of what is left, by which a test finds it wherever it is: it has no other sign.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

FORGOES: Final = """
import ctypes, os, resource, sys, time
ctypes.CDLL(None).prctl(36, 0)  # PR_SET_CHILD_SUBREAPER: the worker adopts no orphans any more
"""
LEAVES: Final = """
import os, sys
child = os.fork()
if child == 0:
    os.setsid()
    if os.fork() == 0:
        {before}
        os.execve(sys.executable, ["WORD", "-I", "-S", "-c", {program!r}], {{}})
    os._exit(0)
os.waitpid(child, 0)
"""
LOWERS: Final = "import resource; resource.setrlimit(10, (1, 1))  # RLIMIT_LOCKS, which stands for the worker's mark"

SPINS: Final = "import time\nend = time.time() + 60\nwhile time.time() < end: pass"
CHAIN: Final = """
import os, time
end = time.time() + 40
while time.time() < end:
    if os.fork():
        os._exit(0)
    os.setsid()
"""
"""Each process starts the next one and ends."""

DAEMON: Final = FORGOES + LEAVES.format(before="pass", program=SPINS)
"""Without group, session, parent and environment. It has its limits."""
NAMELESS_DAEMON: Final = FORGOES + LEAVES.format(before=LOWERS, program=SPINS)
"""Without any of these."""
HYDRA: Final = LEAVES.format(before="pass", program=CHAIN)
NAMELESS_HYDRA: Final = FORGOES + LEAVES.format(before=LOWERS, program=CHAIN)

_BEATS: Final = 'file = os.open("BEATS", os.O_WRONLY | os.O_CREAT | os.O_APPEND); os.write(file, b"."); os.close(file)'
_COUNTED: Final = CHAIN.replace("    if os.fork():", f"    {_BEATS}\n    if os.fork():")
COUNTED_HYDRA: Final = LEAVES.format(before="pass", program=_COUNTED)
"""One that counts its processes in the file ``BEATS``, by which it is seen to rest."""
NAMELESS_COUNTED_HYDRA: Final = FORGOES + LEAVES.format(before=LOWERS, program=_COUNTED)

WAKER: Final = """
import os, signal
worker = os.getpid()
if os.fork() == 0:
    LEAVES
    while True:
        os.kill(worker, signal.SIGCONT)
"""
"""One that wakes the worker as often as that is stopped."""
WAKERS: Final = """
import os, signal
if os.fork() == 0:
    LEAVES
    other = os.fork() or os.getppid()
    while True:
        os.kill(other, signal.SIGCONT)
"""
"""Two that wake each other."""
OUTSIDE, INSIDE = "os.setsid()", "pass"  # the worker's group, for LEAVES

CROWD: Final = """
import os, time
for _ in range(300):
    if os.fork() == 0:
        os.setsid()
        time.sleep(60)
        os._exit(0)
"""
"""More than a harness may have descriptors, where it may have few."""


def named(word: str) -> list[int]:
    """Living processes with ``word`` in their command line. The newest first: a link of a chain does not live long."""
    found = []
    for name in sorted(filter(str.isdecimal, os.listdir("/proc")), key=int, reverse=True):  # noqa: PTH208  # at once
        with suppress(OSError):
            if word.encode() in Path(f"/proc/{name}/cmdline").read_bytes():
                found.append(int(name))
    return found


def none_is_named(word: str, looks: int = 50) -> bool:
    """Whether no process is, at so many looks: a chain is not seen in each."""
    return not any(named(word) for _ in range(looks))
