"""Loading a plugin in a process of its own, to learn what it declares, and whether its import ends at all.

Also the program that runs there: ``python -m pointwise_bench.suites.harness.worker.plugin_loading '<json>'``.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pointwise_bench.backends.registry import Declaration, LoadingFailed, Source, UnknownPluginError

LOADING_S = 30.0  # a module that imports its heavy packages inside methods is loaded in a tenth of a second
MOST_DECLARED = 1000  # backends of one plugin
LONGEST_PLACE = 200  # characters of a file's name with a line


def declarations(source: Source) -> list[Declaration]:
    """What ``source`` declares. A loader for :meth:`pointwise_bench.backends.Registry.load_elsewhere`."""
    from pointwise_bench.suites.harness.record.ended import Ended

    # Imported here: a start of pytest without plugins needs no NumPy.
    from pointwise_bench.suites.harness.worker.process import ChildProcess

    with tempfile.TemporaryDirectory() as folder:
        process = ChildProcess(
            "pointwise_bench.suites.harness.worker.plugin_loading",
            {"source": vars(source)},
            threads=1,
            log=Path(folder) / "log",
            python=source.python,
            kept=not source.python,  # another environment may have another version of what runs there
        )
        try:
            answer, _ = process.ask({"do": "import"}, LOADING_S)
            return [replace(each, name=each.name + source.suffix) for each in _read(answer)]
        except Ended as ended:
            raise LoadingFailed(f"failed to load: {ended.reason}") from None
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise LoadingFailed(f"failed to load: {process.garbled('import', str(error)).reason}") from None
        finally:
            process.kill()


def _read(answer: Any) -> list[Declaration]:
    """The declarations in an answer, which a plugin may have forged; ``LoadingFailed`` for the reason that it gives.

    ``KeyError``, ``TypeError`` or ``ValueError`` where no loader has written it.
    """
    from pointwise_bench.suites.harness.record.text import one_line

    if "unknown" in answer:
        raise UnknownPluginError(one_line(answer["unknown"]))
    if "failed" in answer:
        raise LoadingFailed(one_line(answer["failed"]))
    declared = [Declaration(**each) for each in answer["declared"]]
    if len(declared) > MOST_DECLARED:
        raise ValueError(f"{len(declared)} backends")
    for each in declared:
        if each.fault:
            raise ValueError(each.fault)
    return [replace(each, place=one_line(each.place, LONGEST_PLACE)) for each in declared]


def main(arguments: str) -> None:
    """Answer the one request, and end without running a plugin's exit handlers."""
    from pointwise_bench.suites.harness.worker.channel import ChannelClosed
    from pointwise_bench.suites.harness.worker.main import begin

    start = json.loads(arguments)
    channel = begin(start)
    channel.receive()
    try:
        answer = _declared(Source(**start["source"]))
    except BaseException as error:  # one that is no Exception, or that raises when it is described
        answer = {"failed": f"failed to load: {type(error).__name__}"}
    channel.send({"value": answer})
    # The harness ends this process. One that left by itself would look, on a busy machine, as if it had not answered.
    with suppress(ChannelClosed):
        channel.receive()
    os._exit(0)


def _declared(source: Source) -> dict[str, Any]:
    """What the plugin declares, or why it cannot be loaded.

    No other plugin is loaded here: this one would be blamed for the other's crash.
    """
    from pointwise_bench.backends import registry
    from pointwise_bench.backends.registry import module_exists, no_such_module

    if source.kind == "plugin" and not source.location.endswith(".py") and not module_exists(source.location):
        return {"unknown": no_such_module(source.location)}
    registry.load(source)
    try:
        return {"declared": [asdict(each) for each in registry.declared(source)]}
    except LoadingFailed as error:
        return {"failed": " ".join(str(error).split())}


if __name__ == "__main__":
    main(sys.argv[1])
