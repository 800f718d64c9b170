"""A process that has imported what many workers need, and forks one whenever it is asked: run as a program of its own.

Importing the harness takes a worker a third of a second of processor time, and importing PyTorch two seconds more, in
each of its backends and in each of a dozen starts. A fork has both after five milliseconds. No plugin ever runs here:
the worker's own part, its limits and its plugin begin behind the fork. Between the two is the worker's keeper, see
:mod:`keeper`, which the server forks and which forks the worker.

What was chosen when this program was started is the same in all of its workers: the places of libraries in memory, and
the order of hashes. So that these differ between starts, each start of a run has a new server.

Started by :class:`forked_process.ForkServer`, as ``python -m`` with this module's name and its arguments as JSON.
"""

from __future__ import annotations

import gc
import json
import os
import random
import signal
import socket
import sys
import tempfile
import traceback
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

from pointwise_bench.suites.harness.machine.parent_death import die_with
from pointwise_bench.suites.harness.worker.channel import Channel, ChannelClosed
from pointwise_bench.suites.harness.worker.starting.keeper import fork_kept


def main(arguments: str) -> None:
    """Serve until the channel closes. ``arguments``: ``descriptor``, ``parent`` and ``imports``, as JSON."""
    start = json.loads(arguments)
    die_with(start["parent"])
    _import(start["imports"])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers tell the harness how things end, and leave no number behind
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
    """Fork a keeper with its worker for each message, to which the worker's descriptors and a lifeline are attached."""
    while True:
        try:
            request, (end, output, lifeline) = channel.receive()
        except ChannelClosed:
            return  # workers are their keepers' affair
        try:
            if os.fork() == 0:
                _begin_kept(channel, request, end, output, lifeline)
        except OSError as error:
            _refuse(lifeline, error)
        for descriptor in (end, output, lifeline):
            os.close(descriptor)


def _refuse(lifeline: int, error: OSError) -> None:
    """Tell why nobody is forked, as where no process is left: the next one may be, and the server goes on."""
    with suppress(OSError):  # the harness has let go of it
        os.write(lifeline, json.dumps({"errno": error.errno}).encode())


def _begin_kept(channel: Channel, request: dict[str, Any], end: int, output: int, lifeline: int) -> NoReturn:
    """A keeper and its worker: nothing of the server goes on here."""
    try:
        channel.close()
        os.setsid()  # the watchdog kills the server's group
        parent = fork_kept(socket.socket(fileno=lifeline), (end, output))
    except OSError as error:
        _refuse(lifeline, error)
        os._exit(1)
    except BaseException:
        os._exit(1)
    become_worker(request, end, output, parent)


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
