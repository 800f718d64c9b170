"""What runs inside a worker process: one backend, which answers the harness one message at a time.

Begun by :class:`process.ChildProcess` with its arguments as JSON: as ``python -m`` with this module's name, or in a
fork of :mod:`starting.fork_server`.
"""

from __future__ import annotations

import atexit
import faulthandler
import json
import os
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    from pointwise_bench import Backend
    from pointwise_bench.suites.harness.timing.timed_layer import TimedLayer
    from pointwise_bench.suites.harness.worker.channel import Channel

CHANNEL_LOST: Final = 113
"""Exit code of a process that can no longer answer."""
LEAVE: Final = "leave"
"""The request that lets a worker go."""
SWITCH_S: Final = 0.0002
"""Seconds after which a thread gives the interpreter to another that waits for it: a plugin's thread that spins in
Python must show in the plugin's own time, not in the 5 ms (Python's default) that the answer would wait afterwards."""


def main(arguments: str) -> None:
    """Serve until the channel closes, or until the harness lets go of it: then exit handlers run.

    ``arguments``: those of :class:`process.ChildProcess` with backend, source and threads, as JSON.
    """
    start = json.loads(arguments)
    channel = begin(start)

    # All of the harness is imported before the plugin is, which may replace what it finds in other modules.
    from pointwise_bench.suites.harness.timing.timed_layer import TimedLayer
    from pointwise_bench.suites.harness.worker import handlers

    assert handlers.HANDLERS, "imported for its effect"
    serve(channel, TimedLayer(_backend(start), start["threads"], start["device"]))
    # As the interpreter would, which a fork does not come to: what a backend has made outside of its memory goes so.
    atexit._run_exitfuncs()
    os._exit(0)


def begin(start: dict[str, Any]) -> Channel:
    """What every process does before it loads a plugin: make sure that it ends with the harness, and limit itself."""
    from pointwise_bench.suites.harness.machine.parent_death import die_with

    if "lifeline" in start:
        start["parent"] = _begin_kept(start)
    die_with(start["parent"])  # before the imports below, during which the harness may end
    faulthandler.enable()

    from pointwise_bench.suites.harness.worker import marked_processes
    from pointwise_bench.suites.harness.worker.channel import Channel
    from pointwise_bench.suites.harness.worker.limits import Limits

    marked_processes.adopt_orphans()
    marked_processes.brand(os.environ.get(marked_processes.VARIABLE, ""))
    Limits(**start["limits"]).impose()
    if "may_write" in start:
        from pointwise_bench.suites.harness.machine import confinement, writable_folders

        confinement.confine(start["may_write"], writable_folders.written_to_only())
    sys.setswitchinterval(SWITCH_S)
    return Channel(socket.socket(fileno=start["descriptor"]))


def _begin_kept(start: dict[str, Any]) -> int:
    """Go on in a fork of this process, which is the worker's keeper from now on. Its number."""
    from pointwise_bench.suites.harness.worker.starting.keeper import fork_kept

    keeper = fork_kept(socket.socket(fileno=start["lifeline"]), (start["descriptor"],))
    os.setsid()
    os.environ.update(start["sign"])
    return keeper


def serve(channel: Channel, timed_layer: TimedLayer) -> None:
    """Answer each message with ``value``, or with ``status`` and ``reason`` where the backend's part ended with it.

    Until :data:`LEAVE` comes, which is not answered.
    """
    from pointwise_bench.suites.harness.record.ended import Ended
    from pointwise_bench.suites.harness.worker.channel import ChannelClosed
    from pointwise_bench.suites.harness.worker.handlers import HANDLERS

    while True:
        try:
            message, descriptors = channel.receive()
        except ChannelClosed as closed:
            leave(closed)
        if message["do"] == LEAVE:
            return
        try:
            reply, attached = HANDLERS[message["do"]](timed_layer, message, descriptors)
        except (
            BaseException
        ) as error:  # a plugin may raise SystemExit or KeyboardInterrupt; the harness is told of both
            reply, attached = Ended.because_of(error, message["do"]).report(), ()
        try:
            channel.send(reply, attached)
        except ChannelClosed as closed:
            leave(closed)
        for descriptor in attached:
            os.close(descriptor)


def leave(why: Exception) -> NoReturn:
    """End without waiting for a plugin's threads or exit handlers, which nothing would stop if the harness is gone."""
    with suppress(OSError):  # the outputs may be closed as well
        os.write(2, f"no channel: {why}\n".encode())
    os._exit(CHANNEL_LOST)


def _backend(start: dict[str, Any]) -> Backend:
    """The backend, or where its source cannot be loaded in this process, the stand-in that says why."""
    from pointwise_bench.backends import Source, registry
    from pointwise_bench.suites.harness.timing.slowed import Slowed

    source = Source(**start["source"])
    registry.load(source)
    found = registry.names_from(source)
    name = start["backend"].removesuffix(source.suffix)
    backend = registry.get(name if name in found else found[0])
    return backend if start.get("slowed_by") is None else Slowed(backend, start["slowed_by"])


if __name__ == "__main__":
    main(sys.argv[1])
