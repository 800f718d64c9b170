"""A program that has imported what every session of pytest imports of other people, and forks for each session.

Half of a short run's processor time is the importing of pytest, NumPy and pandas, and the tests make a hundred such
runs. A fork of this process has them already. Nothing of ours is imported here: plugins such as ``brief_rounds`` change
the harness before its modules are imported, and a test of the imports must see them happen.

Half of what is left is the importing of ours, so there are copies of this process that have done that, too: one for
each policy of measuring, put in place before. Whoever needs another start asks this process.

Started by :mod:`forked_session`, which sends the words behind ``python -m``, the folder, the variables and the three
streams, one session at a time; answered are the number of its process, and how it ended. Or it sends the other end of
a channel on which a copy of this process is to serve, and what that is to import.
"""

from __future__ import annotations

import array
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
from importlib.metadata import entry_points

OURS = (
    "pointwise_bench.suites.harness.run.session",
    "pointwise_bench.suites.harness.run.pytest_benchmark_adapter",
    "pointwise_bench.suites.harness.worker.handlers",
    "pointwise_bench.report.pages.run_analysis",
    "pointwise_bench.report.pages.terminal_table",
)
OWN_PLUGINS = {"pointwise_bench", "_hypothesis_pytestplugin"}
"""Ours changes with the policy; the other imports what a session without it does not want."""
OF_OTHERS = ("pytest", "numpy", "pandas", "psutil", "threadpoolctl", "ml_dtypes", "iniconfig", "pygments.lexers")


def main() -> None:
    """Serve until the other end is closed; in a fork, return as the session that was asked for."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    _import_of_others()
    own_folder, *installed = sys.path  # without PYTHONPATH, which is the session's own matter
    assert own_folder == os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  # as sys.path has it
    copies: list[int] = []
    while True:
        text, ancillary, _, _ = channel.recvmsg(2**20, socket.CMSG_SPACE(3 * 4))
        if not text:
            os._exit(0)
        copies = [pid for pid in copies if os.waitpid(pid, os.WNOHANG) == (0, 0)]
        asked, descriptors = json.loads(text), list(array.array("i", ancillary[0][2]))
        pid = os.fork()
        if pid == 0:
            gc.freeze()  # what is there already is not looked through, and so not copied
            channel.close()
            if "words" in asked:
                _become(asked, descriptors, installed)
                return
            copies, channel = [], socket.socket(fileno=descriptors[0])
            if asked["ours"]:
                _import_ours(asked, installed)
            continue
        for each in descriptors:
            os.close(each)
        if "words" not in asked:
            copies.append(pid)
            continue
        channel.send(json.dumps(pid).encode())
        _, status = os.waitpid(pid, 0)
        channel.send(json.dumps(os.waitstatus_to_exitcode(status)).encode())


def _import_of_others() -> None:
    for name in OF_OTHERS:
        importlib.import_module(name)
    from _pytest.config import default_plugins

    for name in default_plugins:
        importlib.import_module(f"_pytest.{name}")
    for plugin in entry_points(group="pytest11"):
        if plugin.module.partition(".")[0] not in OWN_PLUGINS:
            plugin.load()
    ours = [name for name in sys.modules if name.partition(".")[0] == "pointwise_bench"]
    assert not ours, ours


def _import_ours(asked: dict[str, object], installed: list[str]) -> None:
    """What a session in that folder imports of ours, by the policy that its plugin puts in place."""
    _enter(asked, installed)
    if plugin := asked["policy"]:
        assert isinstance(plugin, str)
        importlib.import_module(plugin).pytest_configure()
        del sys.modules[plugin]  # pytest imports its plugins itself, and warns where it is too late for that
    for name in OURS:
        importlib.import_module(name)
    from pointwise_bench.backends._finding.sources import all_but_plugins
    from pointwise_bench.backends.registry import registry

    for source in all_but_plugins():
        if source.kind == "built-in":  # others may be anybody's, and are found by the session
            registry.load(source)


def _become(asked: dict[str, object], streams: list[int], installed: list[str]) -> None:
    """Whatever a process has from its start: streams, folder, variables, import path, command line."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    if asked["own_session"]:
        os.setsid()
    if asked["interruptible"]:  # as at any start, but that of a shell's background jobs
        signal.signal(signal.SIGINT, signal.default_int_handler)
    words = asked["words"]
    assert isinstance(words, list)
    _enter(asked, installed)
    sys.argv[:] = words


def _enter(asked: dict[str, object], installed: list[str]) -> None:
    """Folder, variables and import path."""
    folder, variables = asked["folder"], asked["variables"]
    assert isinstance(folder, str)
    assert isinstance(variables, dict)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    given = [each for each in variables.get("PYTHONPATH", "").split(os.pathsep) if each]
    sys.path[:] = [folder, *given, *installed]
    importlib.invalidate_caches()
    sys.path_importer_cache.clear()


if __name__ == "__main__":
    main()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
