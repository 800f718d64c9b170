"""A program that has imported what every session of pytest imports of other people, and forks for each session.

Half of a short run's processor time is the importing of pytest, NumPy and pandas, and the tests make a hundred such
runs. A fork of this process has them already. Nothing of ours is imported here: plugins such as ``brief_rounds`` change
the harness before its modules are imported, and a test of the imports must see them happen.

Started by :mod:`forked_session`, which sends the words behind ``python -m``, the folder, the variables and the three
streams, one session at a time; answered are the number of its process, and how it ended.
"""

from __future__ import annotations

import array
import importlib
import json
import os
import runpy
import socket
import sys

OF_OTHERS = ("pytest", "numpy", "pandas", "psutil", "threadpoolctl", "ml_dtypes", "iniconfig", "pygments.lexers")


def main() -> None:
    """Serve until the other end is closed; in a fork, return as the session that was asked for."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    _import_of_others()
    own_folder, *installed = sys.path  # without PYTHONPATH, which is the session's own matter
    assert own_folder == os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  # as sys.path has it
    while True:
        text, ancillary, _, _ = channel.recvmsg(2**20, socket.CMSG_SPACE(3 * 4))
        if not text:
            os._exit(0)
        streams = array.array("i", ancillary[0][2])
        pid = os.fork()
        if pid == 0:
            channel.close()
            _become(json.loads(text), list(streams), installed)
            return
        for each in streams:
            os.close(each)
        channel.send(json.dumps(pid).encode())
        _, status = os.waitpid(pid, 0)
        channel.send(json.dumps(os.waitstatus_to_exitcode(status)).encode())


def _import_of_others() -> None:
    for name in OF_OTHERS:
        importlib.import_module(name)
    from _pytest.config import default_plugins

    for name in default_plugins:
        importlib.import_module(f"_pytest.{name}")
    ours = [name for name in sys.modules if name.partition(".")[0] == "pointwise_bench"]
    assert not ours, ours


def _become(asked: dict[str, object], streams: list[int], installed: list[str]) -> None:
    """Whatever a process has from its start: streams, folder, variables, import path, command line."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    folder, variables, words = asked["folder"], asked["variables"], asked["words"]
    assert isinstance(folder, str)
    assert isinstance(variables, dict)
    assert isinstance(words, list)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    given = [each for each in variables.get("PYTHONPATH", "").split(os.pathsep) if each]
    sys.path[:] = [folder, *given, *installed]
    sys.argv[:] = words
    importlib.invalidate_caches()
    sys.path_importer_cache.clear()


if __name__ == "__main__":
    main()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
