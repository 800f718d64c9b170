"""The correctness suite counts its tests by backend: run, refused by reason, missing."""

from __future__ import annotations

import pytest
from forked_session import forked
from places import ROOT
from suite_command import PATIENCE_S, suite_environment

PICKY = '''
from pointwise_bench import Backend, register


class Picky(Backend):
    """NumPy's matmul on one picture of one pixel; refuses what is larger."""

    def refuses(self, problem):
        if problem.layout == "nhwc":
            return "takes no NHWC"
        return super().refuses(problem) or ("too many pixels for it" if problem.pixels > self.most else None)

    def prepare(self, problem, weight, bias, threads):
        addend = 0 if bias is None else bias[:, None]

        def layer(x):
            y = (weight @ x.reshape(problem.in_channels, -1) + addend).reshape(problem.output_shape)
            return y.clip(0) if problem.activation == "relu" else y

        return layer


@register
class OnePixel(Picky):
    name, most = "one-pixel", 1


@register
class Nothing(Picky):
    name, most = "nothing", -1


@register
class Absent(Picky):
    name, most = "absent", 1

    def missing(self):
        return "a library of its own is not installed: pip install it"
'''


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> str:
    plugin = tmp_path_factory.mktemp("plugin") / "picky.py"
    plugin.write_text(PICKY)
    command = ["pytest", "suites/test_correctness.py", "-q", "-p", "no:cacheprovider"]
    command += ["--plugin", str(plugin), "-k", "one_pixel_by_hand or takes_something"]
    command += [word for name in ("one-pixel", "nothing", "absent") for word in ("--backend", name)]
    done = forked(command, ROOT, suite_environment(), PATIENCE_S)
    assert done.returncode == 1, done.stdout[-2000:]  # of `nothing`, see below
    return done.stdout


def test_counts_by_backend_and_reason(summary: str) -> None:
    """Four tests by hand, two of them in NHWC, and one whether any problem is taken."""
    assert "one-pixel: 3 run, 2 refused, 0 missing\n  2: takes no NHWC" in summary
    assert "absent: 0 run, 0 refused, 5 missing\n  5: a library of its own is not installed" in summary


def test_the_sum(summary: str) -> None:
    assert "all 3 backends: 4 run (1 failed), 6 refused, 5 missing" in summary
    assert "float32 forward: 1 run, 3 refused, 0 missing" in summary


def test_a_backend_that_refuses_everything_fails(summary: str) -> None:
    assert "FAILED suites/test_correctness.py::test_takes_something[nothing]" in summary
    assert "nothing: 1 run (1 failed), 4 refused, 0 missing" in summary
