"""What must come of each backend in ``plugins/misbehaving.py``: its status, and words that its reason must have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from soak import SOAK

HARMLESS: Final = (
    *("babbles", "wanders", "forks", "escapes", "escapes-in-a-turn", "runs-a-program", "spins", "speaks-when-asked"),
    *("handles-signals", "reseeds-everything"),
)
"""They do what a plugin may do, and compute correctly."""

_CHANNEL = "wrote to the harness's channel, a descriptor that is not its own"
_LOST = "lost its channel to the harness: a descriptor was closed or replaced"
_LIMIT = "a worker may use 1 GiB here, half of what was free at its start"

AT_WORK: Final = {
    "segfaults": ("crashed", "set_up: killed by SIGSEGV; it last wrote: Fatal Python error: Segmentation fault"),
    "aborts": ("crashed", "set_up: killed by SIGABRT; it last wrote: Fatal Python error: Aborted"),
    "exits": ("crashed", "set_up: left with exit code 3"),
    "forks-and-exits": ("crashed", "set_up: left with exit code 3"),
    "escapes-and-exits": ("crashed", "set_up: left with exit code 3"),
    "dies-of-its-alarm": ("crashed", "set_up: killed by SIGALRM"),
    "hangs-in-python": ("timed-out", "set_up: no answer within"),
    "hangs-in-c": ("timed-out", "set_up: no answer within"),
    "stops-itself": ("timed-out", "set_up: no answer within"),
    "raises-system-exit": ("failed", "set_up: SystemExit: 7 (misbehaving.py:"),
    "raises-keyboard-interrupt": ("failed", "set_up: KeyboardInterrupt: no message (misbehaving.py:"),
    "raises-generator-exit": ("failed", "set_up: GeneratorExit: no message (misbehaving.py:"),
    "raises-the-unspeakable": (
        "failed",
        "UnspeakableError: no message, its __str__ raised SystemExit (misbehaving.py:",
    ),
    "divides-by-zero": ("failed", "set_up: ZeroDivisionError: division by zero (misbehaving.py:"),
    "runs-out-of-memory": ("out-of-memory", f"; {_LIMIT}"),
    "allocates-without-end": ("out-of-memory", f"; {_LIMIT}"),
    "shares-without-end": ("out-of-memory", _LIMIT),  # found by the harness, or short of memory of its own before
    "children-allocate": ("out-of-memory", f"GiB with its children; {_LIMIT}"),
    "dies-of-bad-alloc": ("out-of-memory", "killed by SIGABRT; it last wrote: what(): std::bad_alloc"),
    "is-killed": ("crashed", "killed by SIGKILL; the harness did not send that, nor did the kernel"),
    "babbles-without-end": ("failed", "OSError: [Errno 27] File too large"),
    "closes-descriptors": ("crashed", _LOST),
    "closes-all-descriptors": ("crashed", _LOST),
    "replaces-descriptors": ("crashed", _LOST),
    "garbles-the-channel": ("crashed", _CHANNEL),
    "forges-an-answer": ("crashed", _CHANNEL),
    "forges-a-number": ("crashed", _CHANNEL),
    "forges-a-status": ("crashed", _CHANNEL),
    "forges-a-pass": ("crashed", _CHANNEL),
    "prepares-nothing": ("failed", "not callable"),
    "returns-text": ("wrong", "returns shape ()"),
    "returns-none": ("wrong", "returns shape ()"),
    "returns-a-list": ("wrong", "returns float64, but the problem is float32"),
    "returns-a-shape": ("wrong", "returns shape (128,), expected (1, 8, 4, 4)"),
    "returns-objects": ("wrong", "returns object, but the problem is float32"),
    "to-numpy-returns-junk": ("wrong", "returns dict from to_numpy, not a NumPy array"),
    "to-device-returns-none": ("failed", "'NoneType' object has no attribute 'reshape' (misbehaving.py:"),
    "sync-is-a-number": ("failed", "'int' object is not callable"),
}
"""They end when they are put to work, on a problem that a worker sets up."""

BEFORE_WORK: Final = {
    "dtypes-is-a-number": ("failed", "refuses: TypeError"),
    "refuses-with-five": (
        "failed",
        "refuses: TypeError: refuses() returned int 5, which is neither a sentence nor None",
    ),
    "refuses-with-bytes": ("failed", "refuses: TypeError: refuses() returned bytes b'x', which is neither"),
    "refuses-in-many-lines": ("unsupported", "too small ? [31m for me for me"),
    "misses-five": ("failed", "missing: TypeError: missing() returned int 5, which is neither a sentence nor None"),
    "misses-bytes": ("failed", "missing: TypeError: missing() returned bytes b'x', which is neither a sentence"),
    "cannot-be-made": ("unavailable", "failed to construct: RuntimeError: no licence"),
    "crashes-when-asked": ("crashed", "missing: killed by SIGABRT"),
    "hangs-when-asked": ("timed-out", "missing: no answer within"),
}
"""They end before that: when they are asked what they miss, or whether they take the problem."""

# Each of them ends a worker of its own in tests/process/test_client.py. What a whole run adds is the same for all of a
# kind: how the harness learns of it, whether the worker lives on, and what is left behind.
_OF_EACH_KIND: Final = {
    *("segfaults", "is-killed", "escapes-and-exits", "hangs-in-c", "stops-itself", "divides-by-zero"),
    *("raises-keyboard-interrupt", "runs-out-of-memory", "children-allocate", "babbles-without-end"),
    *("closes-all-descriptors", "forges-a-pass", "returns-none"),
    *("refuses-with-five", "refuses-in-many-lines", "misses-five", "cannot-be-made", "crashes-when-asked"),
    *("hangs-when-asked", "babbles", "escapes", "escapes-in-a-turn", "runs-a-program", "spins", "handles-signals"),
}


def tried_in_a_run(ends: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Those of ``ends`` that a whole run meets: one of each kind, with POINTWISE_SOAK=1 all."""
    return {name: end for name, end in ends.items() if SOAK or name in _OF_EACH_KIND}


HARMLESS_IN_A_RUN: Final = tuple(name for name in HARMLESS if SOAK or name in _OF_EACH_KIND)
