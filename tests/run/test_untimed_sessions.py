"""Sessions of a user that measure nothing: warnings stay warnings, and several processes may share the tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

from forked_session import forked
from places import ROOT
from suite_command import CHEAP, PATIENCE_S, suite_environment

WARNS = """
import warnings
import numpy as np
from pointwise_bench import Backend, register

@register
class Warns(Backend):
    name = "warns"

    def prepare(self, problem, weight, bias, threads):
        warnings.warn("this library is getting old", DeprecationWarning)
        return lambda x: np.einsum("oc,nchw->nohw", weight, x)
"""


def untimed(*arguments: str) -> subprocess.CompletedProcess[str]:
    """``pytest suites/`` without the timed tests."""
    words = ["pytest", "suites/", "--benchmark-skip", "-p", "no:cacheprovider", *arguments]
    return forked(words, ROOT, suite_environment(), PATIENCE_S)


def test_a_library_that_warns_fails_nobody(tmp_path: Path) -> None:
    plugin = tmp_path / "warns.py"
    plugin.write_text(WARNS)
    chosen = ["--plugin", str(plugin), "--backend", "warns", "--in-process", "-k", "one_pixel_by_hand and nchw"]
    done = untimed(*chosen)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "this library is getting old" in done.stdout
    # The control: with the filter of the project's own tests it would fail.
    done = untimed(*chosen, "-W", "error")
    assert done.returncode == 1, done.stdout[-2000:]


def test_several_processes_may_share_what_is_not_timed() -> None:
    done = untimed("-n", "2", "--backend", CHEAP, "-k", "by_hand", "-v")
    assert done.returncode == 0, done.stdout[-2000:]
    assert "[gw0]" in done.stdout
    assert "[gw1]" in done.stdout
    assert "skipped" not in done.stdout
