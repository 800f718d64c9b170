"""A run with plugins whose processes leave everything that they can leave: it ends well, and so do they.

Its workers are forked by the harness's server, as in a user's run.
"""

from __future__ import annotations

import os
import re

import pytest
import runaways
from hostile_run import CORRECT_BACKENDS, Finished, hostile_run

from pointwise_bench.suites.harness.worker.starting.forked_process import can_fork

pytestmark = pytest.mark.skipif(not can_fork(), reason="workers cannot be forked on this system")

WORD = f"left-of-a-run-{os.getpid()}"
PLUGIN = """
from pointwise_bench import Backend, register


class Correct(Backend):
    once = ""
    has_run_away = False

    def prepare(self, problem, weight, bias, threads):
        import numpy as np
        if not self.has_run_away:
            self.has_run_away = True
            exec(self.once, {})
        return lambda x: np.matmul(weight, x.reshape(1, problem.in_channels, -1)).reshape(problem.output_shape)
"""
BACKEND = """

@register
class {title}(Correct):
    name = "{name}"
    once = {text!r}
"""

TIMED, BUDGET = "^$", "CPU seconds per second on a budget"
UNWAITED = "left over 1000 processes that had ended, and that it did not wait for"
AWAKE = "does not stay stopped, or has left processes that do not"
FASTER = "start others faster than they can be stopped"
# What each does, and what may come of it: who spins beside its own turns is beyond its budget where that shows.
RUNAWAYS = {
    "daemon": (runaways.DAEMON, {"ok": TIMED, "failed": BUDGET}),
    "nameless-daemon": (runaways.NAMELESS_DAEMON, {"ok": TIMED, "failed": BUDGET}),
    "hydra": (runaways.HYDRA, {"ok": TIMED, "failed": f"{BUDGET}|{UNWAITED}|{FASTER}"}),
    "nameless-hydra": (runaways.NAMELESS_HYDRA, {"ok": TIMED, "failed": f"{BUDGET}|{UNWAITED}|{FASTER}"}),
    "daemon-at-import": ("", {"ok": TIMED, "failed": BUDGET}),
    "wakers": (runaways.WAKERS.replace("LEAVES", runaways.OUTSIDE), {"ok": TIMED, "failed": f"{BUDGET}|{AWAKE}"}),
    "crowd": (runaways.CROWD, {"failed": r"set_up: left over \d+ processes outside of its group$"}),
}

AT_IMPORT = {"daemon-at-import": runaways.NAMELESS_DAEMON}
"""In the process that first loads a plugin, and in its worker."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """All of them at once, on one problem."""
    folder = tmp_path_factory.mktemp("hostile")
    plugins = []
    for name, (text, _) in RUNAWAYS.items():
        title = name.title().replace("-", "")
        plugins.append(folder / f"{title}.py")
        first = AT_IMPORT.get(name, "")
        plugins[-1].write_text(
            (first + PLUGIN + BACKEND.format(title=title, name=name, text=text)).replace("WORD", WORD)
        )
    return hostile_run(folder, [*RUNAWAYS], plugins, by_server=True)


@pytest.mark.parametrize("name", CORRECT_BACKENDS)
def test_correct_backends_are_not_disturbed(finished: Finished, name: str) -> None:
    finished.assert_correct_backend_is_undisturbed(name)


@pytest.mark.parametrize("name", RUNAWAYS)
def test_every_end_is_typed_and_has_its_reason(finished: Finished, name: str) -> None:
    cell = finished.cell(name)
    _, ends = RUNAWAYS[name]
    assert cell["status"] in ends, cell["reason"]
    assert re.search(ends[cell["status"]], cell["reason"]), cell["reason"]


def test_the_run_is_finished_and_says_what_came_out(finished: Finished) -> None:
    finished.assert_finished_and_reported()


def test_nothing_is_left_but_the_results(finished: Finished) -> None:
    assert runaways.none_is_named(WORD)
    finished.assert_nothing_is_left_but_the_results()
