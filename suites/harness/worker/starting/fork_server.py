"""A process that has imported what many workers need, and forks one whenever it is asked: run as a program of its own.

Importing the harness takes a worker a third of a second of processor time, and importing PyTorch two seconds more, in
each of its backends and in each of a dozen starts. A fork has both after five milliseconds. No plugin ever runs here:
the worker's own part, its limits and its plugin begin behind the fork.

What was chosen when this program was started is the same in all of its workers: the places of libraries in memory, and
the order of hashes. So that these differ between starts, each start of a run has a new server.

Started by :class:`forked_process.ForkServer`, as ``python -m`` with this module's name and its arguments as JSON.
"""

from __future__ import annotations

import gc
import json
import os
import random
import selectors
import socket
import sys
import tempfile
import traceback
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

from pointwise_bench.suites.harness.machine.parent_death import die_with
from pointwise_bench.suites.harness.worker.channel import Channel, ChannelClosed, Message


def main(arguments: str) -> None:
    """Serve until the channel closes. ``arguments``: ``descriptor``, ``parent`` and ``imports``, as JSON."""
    start = json.loads(arguments)
    die_with(start["parent"])
    _import(start["imports"])
    serve(Channel(socket.socket(fileno=start["descriptor"])))


def _import(names: list[str]) -> None:
    """What every worker runs, then ``names``; one that cannot be imported is the affair of the workers that need it."""
    from pointwise_bench.suites.harness.machine import confinement, writable_folders
    from pointwise_bench.suites.harness.timing import timed_layer
    from pointwise_bench.suites.harness.worker import handlers, limits, main as worker_main

    assert all((confinement, writable_folders, timed_layer, handlers, limits, worker_main)), "imported for their effect"
    for name in names:
        with suppress(Exception):
            import_module(name)
    gc.freeze()  # what is there already is not looked through in the forks, and so not copied


def serve(channel: Channel) -> None:
    """Fork a worker for each message; send the exit code of each that ends."""
    with selectors.DefaultSelector() as waiting:
        waiting.register(channel, selectors.EVENT_READ)
        while True:
            for key, _ in waiting.select():
                if key.data is None:
                    try:
                        request, (end, output) = channel.receive()
                    except ChannelClosed:
                        return  # the workers end with this process
                    _fork(channel, waiting, request, end, output)
                else:
                    _tell_end(channel, waiting, key.fd, key.data)


def _fork(channel: Channel, waiting: selectors.BaseSelector, request: Message, end: int, output: int) -> None:
    """One more worker, whose channel's ``end`` and whose ``output`` these are. Its id and a descriptor of it are sent.

    The descriptor, since the worker may have ended, and its number may mean another, before the harness asks for one.
    """
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        for key in list(waiting.get_map().values()):  # of its rivals above all
            os.close(key.fd)
        become_worker(request, end, output, parent)
    os.close(end)
    os.close(output)
    descriptor = os.pidfd_open(pid)
    waiting.register(descriptor, selectors.EVENT_READ, pid)
    channel.send({"pid": pid}, (descriptor,))


def _tell_end(channel: Channel, waiting: selectors.BaseSelector, descriptor: int, pid: int) -> None:
    waiting.unregister(descriptor)
    os.close(descriptor)
    _, status = os.waitpid(pid, 0)
    channel.send({"ended": pid, "code": os.waitstatus_to_exitcode(status)})


def become_worker(request: dict[str, Any], end: int, output: int, parent: int) -> NoReturn:
    """What ``python -m`` would have begun with: a session, an environment and outputs of its own; then the worker."""
    code = 1
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        os.close(nothing)
        os.close(output)
        os.environ.clear()
        os.environ.update(request["environment"])
        tempfile.tempdir = None  # read anew from the environment
        random.seed()

        from pointwise_bench.suites.harness.worker import main as worker_main

        worker_main.main(json.dumps(request["arguments"] | {"descriptor": end, "parent": parent}))
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1])
