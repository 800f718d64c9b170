"""What runs inside a worker process: one backend, answering the harness one message at a time.

Started by :mod:`suites.harness.worker` as ``python -m suites.harness.serve '<json>'``.
"""

from __future__ import annotations

import ctypes
import faulthandler
import json
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suites.harness.channel import Channel
    from suites.harness.subject import Subject

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(arguments: str) -> None:
    """Serve until the channel closes. ``arguments``: descriptor, parent, backend, source and threads, as JSON."""
    start = json.loads(arguments)
    die_with(start["parent"])  # before the imports below, which take long enough to be orphaned in
    faulthandler.enable()

    from backends import Source, registry
    from suites.harness.channel import Channel
    from suites.harness.subject import Subject

    registry.load(Source(**start["source"]))
    backend = registry.get(start["backend"])
    serve(Channel(socket.socket(fileno=start["descriptor"])), Subject(backend, start["threads"]))


def serve(channel: Channel, subject: Subject) -> None:
    """Answer each message with ``value``, or with ``status`` and ``reason`` when the backend's part ended there."""
    from suites.harness.channel import ChannelClosed
    from suites.harness.outcome import Ended
    from suites.harness.remote import HANDLERS

    while True:
        try:
            message, descriptors = channel.receive()
        except ChannelClosed:
            return
        try:
            reply, attached = HANDLERS[message["do"]](subject, message, descriptors)
        except BaseException as error:  # a plugin may raise SystemExit or KeyboardInterrupt; neither ends a worker
            ended = Ended.because_of(error, message["do"])
            reply, attached = {"status": ended.status, "reason": ended.reason, "error_ratio": ended.error_ratio}, ()
        channel.send(reply, attached)
        for descriptor in attached:
            os.close(descriptor)


def die_with(parent: int) -> None:
    """Ask the kernel to kill this process when its parent ends, even while it is stopped.

    Closing the channel would not reach a stopped process. Linux only; elsewhere the end of file must do.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
