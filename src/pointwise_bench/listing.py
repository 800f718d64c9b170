"""``pointwise-bench backends``: who competes here, and what the others lack. Plugins are asked in their own processes.

As in a run: what a plugin does when it is imported or asked, leaving included, ends no listing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pointwise_bench.backends import registry
from pointwise_bench.backends.__main__ import main as list_backends
from pointwise_bench.backends.registry import Unloadable
from pointwise_bench.suites.harness.worker.plugin_loading import declarations

LONGEST_S: Final = 60.0  # for a plugin to say what it is missing: importing a large library takes half of that


def main(arguments: Sequence[str]) -> int:
    """Print one line per backend; returns the exit code."""
    registry.load_elsewhere(declarations)
    return list_backends(arguments, _missing)


def _missing(name: str) -> object:
    """What the backend says that it is missing, or how its process ended."""
    source, backend = registry.source(name), registry.get(name)
    if source.kind == "built-in" or isinstance(backend, Unloadable):
        return backend.missing()
    # Imported here: a list without plugins needs no NumPy.
    from pointwise_bench.suites.harness.record.ended import Ended
    from pointwise_bench.suites.harness.worker.client import WorkerClient

    with tempfile.TemporaryDirectory() as folder:
        client = WorkerClient(name, source, 1, Path(folder) / "log")
        try:
            return client.missing(LONGEST_S)
        except Ended as ended:
            return ended.reason
        finally:
            client.kill()
