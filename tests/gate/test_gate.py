"""The gate itself is tested: planted wrong backends are all refused, each with a reason that names what is wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from forked_workers import forked_workers
from hypothesis import given, settings, strategies as st
from places import PLANTED
from questioned_gate import QuestionedGate
from soak import SOAK
from suite_command import read_cells, run_suite

from pointwise_bench.backends import Backend, Problem, Source
from pointwise_bench.backends.problem import ACTIVATIONS, Direction, Dtype, Layout
from pointwise_bench.suites.harness.memory.guarded_arrays import Inputs
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.error_bounds import ACCUMULATOR
from pointwise_bench.suites.harness.verify.gate import Declared
from pointwise_bench.suites.harness.verify.reference import activated
from pointwise_bench.suites.harness.worker.client import WorkerClient
from pointwise_bench.suites.harness.worker.client_protocol import SharedCases
from pointwise_bench.suites.planted.shows_on import (
    ADDED,
    BFLOAT16,
    EVERY_AXIS,
    FLOAT16,
    GELU,
    HARDSWISH,
    LONG,
    OF_INPUT,
    OF_WEIGHT,
    RELU6,
    SILU,
    shows_on,
)

WRONG = PLANTED / "wrong.py"
CALLS = PLANTED / "wrong_calls.py"
GRADIENTS = PLANTED / "wrong_gradients.py"
ACTIVATED = PLANTED / "wrong_activations.py"
ADDING = PLANTED / "wrong_residuals.py"
PATIENCE_S = 60.0

REASONS = {
    "planted-zeros": "the result is all zeros",
    "planted-transposed-weights": "the weights are transposed",
    "planted-drops-last-channel": "the last input channel is dropped",
    "planted-last-output-channel": "only in channel 15 of 16",
    "planted-forgets-bias": "the bias is missing",
    "planted-forgets-activation": "the ReLU is missing",
    "planted-stride-from-pixel-one": "the stride starts at pixel 1",
    "planted-ignores-stride": "the stride is ignored",
    "planted-interleaves-groups": "groups take interleaved channels",
    "planted-swaps-rows-and-columns": "rows and columns are swapped",
    "planted-wrong-layout": "the output is laid out as nhwc",
    "planted-only-first-image": "every image gets the answer to the first",
    "planted-bfloat16-inside": r"precision probe 1 \+ 2\^-12",
    "planted-tensorfloat-inside": "what TensorFloat-32 or float16 arithmetic gives",
    "planted-float16-sums": "wrong on",
    "planted-swallows-nan": "when the input holds NaN and infinity",
    "planted-wrong-dtype": "returns float64, but the problem is float32",
}

CALL_REASONS = {
    "planted-mutates-input": "changes its input",
    "planted-mutates-device-copy": "makes something of its input in to_device",
    "planted-reads-past-the-end": "wrong on small integers",
    "planted-overwrites-earlier-result": 'declares output "fresh"',
    "planted-replays-first-answer": "the answer to the previous input",
    # Where a turn is long enough for its inputs to get new values between timed calls, these show it first.
    "planted-replays-by-identity": "new values in the same array gave the answer to the old ones|in .* timed call",
    "planted-replays-by-content": r"makes something of its input in to_device\(\)",
    "planted-answers-previous-input": "all zeros|previous input",
    "planted-wrong-after-a-while": "in (the last|one of the) timed call",
    "planted-unsynchronised": "is not finished when sync|read when its input has other values",
    # Where the machine is so busy that the first answers were written before they were read, it is the next question.
    "planted-half-written": "wrong on (small integers|the precision probe)",
    "planted-lazy": "works in to_numpy",
    "planted-bends-numpy": "wrong on small integers",
    "planted-array-of-its-own": "the result is all zeros",
}

# Whose mistake shows in how long something takes.
BY_TIME = {"planted-unsynchronised", "planted-lazy"}
# Who declares that a result's memory is used again.
REUSED = {"planted-replays-by-identity", "planted-adds-up-input-gradients", "planted-adds-up-weight-gradients"}
GRADIENT_REASONS = {
    "planted-untransposed-weights": "the weights are not transposed",
    "planted-side-by-side": "the stride is ignored: the gradients are written side by side",
    "planted-to-pixel-one": "the stride starts at pixel 1",
    "planted-to-neighbours": "the pixels that the stride skips get their neighbour's gradient",
    "planted-skipped-not-zeroed": "the pixels that the stride skips must get zero",
    "planted-adds-up-input-gradients": "it adds to a buffer",
    "planted-transposed-gradient": "the result is transposed",
    "planted-adds-up-weight-gradients": "it adds to a buffer",
    "planted-forgets-bias-gradient": "returns ndarray: the bias' gradient is missing",
    "planted-bias-gradient-unwritten": "the bias' gradient is missing",
    "planted-bias-gradient-of-one-image": "only in the bias' gradient",
    "planted-gradient-of-one-image": "the batch is not summed: the gradient is the first image's",
    "planted-averages-the-batch": "the batch is averaged",
    "planted-gradient-from-pixel-one": "the stride starts at pixel 1",
    "planted-gradient-of-the-corner": "the stride is ignored",
    "planted-swallows-nan-of-gradient": "when the input holds NaN and infinity",
    "planted-writes-to-the-gradient": "changes its input",
    "planted-half-sums": "on small integers|times what float16 with sums in float32 allows",
    "planted-truncates": "times what float16 with sums in float32 allows",
    "planted-coarser-inside": r"precision probe 1 \+ 2\^-8",
    "planted-drops-last-of-many": "the last input channel is dropped",
}
ACTIVATION_REASONS = {
    "planted-never-cuts-off": "the activation is relu and not relu6",
    "planted-cuts-off-early": "wrong (on small integers|when the input holds NaN)",  # of few rows some are odd
    "planted-rough-silu": "wrong on small integers",
    "planted-wrong-corner": "wrong on small integers",
    "planted-gelu-by-tanh": "wrong on small integers",
    "planted-gelu-by-sigmoid": "wrong on small integers",
    "planted-hides-nan": "where a weight or the bias is NaN",
}


RESIDUAL_REASONS = {
    "planted-forgets-residual": "the residual is missing",
    "planted-adds-twice": "the residual is added twice",
    "planted-adds-behind-the-activation": "the residual is added after the activation",
    "planted-other-layout-of-residual": "the residual is read as (nhwc|nchw)",
    "planted-first-images-residual": "the residual is the first image's in every image",
    "planted-other-images-residual": "the residual is another image's",
    "planted-residual-as-a-bias": "wrong on small integers",
    "planted-hides-nan-of-residual": "when the input holds NaN and infinity",
    "planted-clips-residual": "among large numbers, NaN and infinity",
    "planted-rounds-residual": "wrong on real numbers",
    "planted-loses-small-residual": "among small numbers",
    "planted-remembers-residual": "wrong on the precision probe",
    "planted-writes-into-residual": "changes its input",
}


def refusals(name: str, problems: Sequence[Problem], log: Path, plugin: Path = WRONG) -> list[Ended | None]:
    """How the gate ends the planted backend's part on each problem, in one worker; None where it lets it pass."""
    declared = Declared(output="reused" if name in REUSED else "fresh")
    with nullcontext() if SOAK or name in BY_TIME else forked_workers():
        worker = WorkerClient(name, Source("plugin", str(plugin)), threads=1, log=log, declared=declared)
    try:
        return [refusal(worker, problem) for problem in problems]
    finally:
        worker.kill()


def refusal(worker: WorkerClient, problem: Problem) -> Ended | None:
    shared = SharedCases(problem, CaseSet.of(problem, seed=1))
    try:
        worker.set_up(shared, PATIENCE_S)
        worker.turn(30, 0.0, None, PATIENCE_S)
        worker.finish(PATIENCE_S)
    except Ended as ended:
        return ended
    else:
        return None
    finally:
        shared.close()


def in_both_layouts(problem: Problem) -> list[Problem]:
    return [replace(problem, layout=layout) for layout in get_args(Layout)]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.alone] if name in BY_TIME else []) for name in CALL_REASONS]
)
def test_calls_are_refused_for_the_right_reason(name: str, tmp_path: Path) -> None:
    (ended,) = refusals(name, [shows_on(name)], tmp_path / "log", CALLS)
    assert ended is not None, f"{name} passed the gate"
    assert ended.status == "wrong", ended
    assert re.search(CALL_REASONS[name], ended.reason), ended.reason


@pytest.mark.parametrize("name", REASONS)
def test_refused_for_the_right_reason(name: str, tmp_path: Path) -> None:
    (ended,) = refusals(name, [shows_on(name)], tmp_path / "log")
    assert ended is not None, f"{name} passed the gate"
    assert ended.status == "wrong", ended
    assert re.search(REASONS[name], ended.reason), ended.reason


@pytest.mark.parametrize("name", GRADIENT_REASONS)
def test_gradients_and_half_precision_are_refused_for_the_right_reason(name: str, tmp_path: Path) -> None:
    problems = in_both_layouts(shows_on(name))
    for ended, asked in zip(refusals(name, problems, tmp_path / "log", GRADIENTS), problems, strict=True):
        assert ended is not None, f"{name} passed the gate on {asked}"
        assert ended.status == "wrong", ended
        assert re.search(GRADIENT_REASONS[name], ended.reason), f"{asked}: {ended.reason}"


@pytest.mark.parametrize("name", RESIDUAL_REASONS)
def test_residuals_are_refused_for_the_right_reason(name: str, tmp_path: Path) -> None:
    problems = in_both_layouts(shows_on(name))
    for ended, asked in zip(refusals(name, problems, tmp_path / "log", ADDING), problems, strict=True):
        assert ended is not None, f"{name} passed the gate on {asked}"
        assert ended.status == "wrong", ended
        assert re.search(RESIDUAL_REASONS[name], ended.reason), f"{asked}: {ended.reason}"


def test_activations_are_refused_for_the_right_reason(tmp_path: Path) -> None:
    """In one precision and layout each: what is wrong is wrong in all of them."""
    for name, reason in ACTIVATION_REASONS.items():
        (ended,) = refusals(name, [shows_on(name)], tmp_path / name, ACTIVATED)
        assert ended is not None, f"{name} passed the gate"
        assert ended.status == "wrong", ended
        assert re.search(reason, ended.reason), ended.reason


@pytest.mark.parametrize("name", ["planted-half-sums", "planted-truncates", "planted-coarser-inside"])
def test_bfloat16_has_the_same_rules(name: str, tmp_path: Path) -> None:
    (ended,) = refusals(name, [replace(FLOAT16, dtype="bfloat16")], tmp_path / "log", GRADIENTS)
    assert ended is not None
    assert re.search(r"integers|times what bfloat16 with sums in float32|probe 1 \+ 2\^-5", ended.reason), ended.reason


def test_the_control_of_gradients_passes(tmp_path: Path) -> None:
    problems = [each for problem in (OF_INPUT, OF_WEIGHT, FLOAT16, BFLOAT16) for each in in_both_layouts(problem)]
    ended = refusals("planted-right-gradient", problems, tmp_path / "log", GRADIENTS)
    assert dict(zip(problems, ended, strict=True)) == dict.fromkeys(problems)


def test_the_control_passes(tmp_path: Path) -> None:
    problems = [each for problem in (EVERY_AXIS, LONG) for each in in_both_layouts(problem)]
    ended = refusals("planted-right", problems, tmp_path / "log")
    assert dict(zip(problems, ended, strict=True)) == dict.fromkeys(problems)


def test_the_control_of_activations_passes(tmp_path: Path) -> None:
    asked = [replace(each, dtype=dtype) for each in (RELU6, SILU, HARDSWISH, GELU) for dtype in ("float32", "float64")]
    asked += [replace(each, activation="relu6") for each in (FLOAT16, BFLOAT16)]
    asked += [replace(each, activation="gelu") for each in (FLOAT16, BFLOAT16)]
    ended = refusals("planted-right-activation", asked, tmp_path / "log", ACTIVATED)
    assert dict(zip(asked, ended, strict=True)) == dict.fromkeys(asked)


def test_the_control_of_residuals_passes(tmp_path: Path) -> None:
    asked = [replace(each, activation=last) for each in in_both_layouts(ADDED) for last in ("none", "relu")]
    asked += [replace(ADDED, bias=False, dtype=dtype) for dtype in ("float64", "float16", "bfloat16")]
    asked += [replace(each, add=True) for each in (LONG, FLOAT16, BFLOAT16)]
    ended = refusals("planted-right-residual", asked, tmp_path / "log", ADDING)
    assert dict(zip(asked, ended, strict=True)) == dict.fromkeys(asked)


def test_every_planted_backend_has_its_reason() -> None:
    registered = set(re.findall(r'name = "(planted-[\w-]+)"', WRONG.read_text()))
    assert registered == set(REASONS) | {"planted-right"}
    registered = set(re.findall(r'name = "(planted-[\w-]+)"', CALLS.read_text()))
    assert registered == set(CALL_REASONS)
    registered = set(re.findall(r'@register\nclass .*?name = "(planted-[\w-]+)"', GRADIENTS.read_text(), re.DOTALL))
    assert registered == set(GRADIENT_REASONS) | {"planted-right-gradient"}
    registered = set(re.findall(r'name = "(planted-[\w-]+)"', ACTIVATED.read_text()))
    assert registered == set(ACTIVATION_REASONS) | {"planted-right-activation"}
    registered = set(re.findall(r'name = "(planted-[\w-]+)"', ADDING.read_text()))
    assert registered == set(RESIDUAL_REASONS) | {"planted-right-residual"}


# Of each occasion on which the gate finds a mistake one: the exact questions, the real numbers, the work behind the
# clock, after the timing. With POINTWISE_SOAK=1 all of them, in rounds of the usual length.
IN_A_RUN = (
    REASONS.keys() | CALL_REASONS.keys()
    if SOAK
    else {
        "planted-zeros",
        "planted-overwrites-earlier-result",
        "planted-lazy",
        "planted-wrong-after-a-while",
    }
)


def test_none_is_timed_in_a_real_run(tmp_path: Path) -> None:
    """The whole way round: a run with planted faults publishes a time for the control alone."""
    results = tmp_path / "results"
    chosen = ["--plugin", str(WRONG), "--plugin", str(CALLS), "--shapes", EVERY_AXIS.id, "--shapes", LONG.id]
    chosen += [f"--backend={name}" for name in ("planted-right", *IN_A_RUN)]
    done = run_suite(results, *chosen, *([] if SOAK else ["-p", "single_start"]), patience_s=600)
    cells = read_cells(results)
    refused_somewhere = {cell["backend"] for cell in cells if cell["status"] == "wrong"}
    assert refused_somewhere == set(IN_A_RUN), done.stdout[-3000:]
    assert all(cell["status"] == "ok" for cell in cells if cell["backend"] == "planted-right")
    assert all(cell["samples_s"] == [] for cell in cells if cell["status"] != "ok")
    # Where a mistake shows, no time is published: on this problem it shows for all but those that need another.
    timed = {cell["backend"] for cell in cells if cell["problem"] == EVERY_AXIS.id and cell["status"] == "ok"}
    assert all(name == "planted-right" or shows_on(name) != EVERY_AXIS for name in timed)
    assert done.returncode == 1, done.stdout[-3000:]  # they were asked for by name, and are wrong
    assert all(f"\n{name} is wrong on " in done.stdout for name in IN_A_RUN)


# --- what is right passes, whatever the problem -------------------------------------------------------------------


class Plain(Backend):
    """A correct backend in every dtype and direction: sums in float32 at least, one rounding at the end."""

    name = "plain"
    dtypes = ("float32", "float64", "float16", "bfloat16")
    directions = ("forward", "backward-input", "backward-weight")
    activations = ACTIVATIONS

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """One matrix product per image and group, in the accumulator's type."""
        p, wide = problem, ACCUMULATOR[problem.dtype]
        outs, ins = p.out_channels // p.groups, p.in_channels // p.groups

        def planes(array: Any, channels: int) -> Any:
            array = array if p.layout == "nchw" else array.transpose(0, 3, 1, 2)
            return array.astype(wide).reshape(p.batch, p.groups, channels, p.out_height * p.out_width)

        def read(x: Any) -> Any:
            rows, columns = (2, 3) if p.layout == "nchw" else (1, 2)
            return x.take(range(0, p.height, p.stride), rows).take(range(0, p.width, p.stride), columns)

        def stored(array: Any) -> Any:
            return np.ascontiguousarray(array if p.layout == "nchw" else array.transpose(0, 2, 3, 1)).astype(p.dtype)

        def forward(x: Any) -> Any:
            y = np.matmul(kernels, planes(read(x), ins))
            y = y.reshape(p.batch, p.out_channels, p.out_height, p.out_width)
            y = y if bias is None else y + bias.astype(wide)[:, None, None]
            return stored(activated(p.activation, y))

        def of_input(dy: Any) -> Any:
            dx = np.zeros((p.batch, p.in_channels, p.height, p.width), wide)
            read_pixels = dx[:, :, :: p.stride, :: p.stride]
            read_pixels[...] = np.matmul(kernels.transpose(0, 2, 1), planes(dy, outs)).reshape(read_pixels.shape)
            return stored(dx)

        def of_weight(x: Any, dy: Any) -> Any:
            dy = planes(dy, outs)
            dw = np.matmul(dy, planes(read(x), ins).swapaxes(2, 3)).sum(axis=0).reshape(p.weight_shape)
            return (dw.astype(p.dtype), dy.sum(axis=(0, 3)).ravel().astype(p.dtype)) if p.bias else dw.astype(p.dtype)

        if weight is None:
            return of_weight
        kernels = weight.astype(wide).reshape(p.groups, outs, ins)
        return forward if p.direction == "forward" else of_input


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Small problems over all axes."""
    groups, small = draw(st.sampled_from([1, 1, 2, 3])), st.integers(1, 12)
    direction = draw(st.sampled_from(get_args(Direction)))
    return Problem(
        batch=draw(st.integers(0, 3)),
        in_channels=groups * draw(small | st.integers(100, 700)),
        out_channels=groups * draw(small),
        height=draw(small),
        width=draw(small),
        stride=draw(st.integers(1, 4)),
        groups=groups,
        bias=draw(st.booleans()),
        activation=draw(st.sampled_from(ACTIVATIONS)) if direction == "forward" else "none",
        dtype=draw(st.sampled_from(get_args(Dtype))),
        layout=draw(st.sampled_from(get_args(Layout))),
        direction=direction,
    )


@pytest.mark.filterwarnings("ignore:invalid value encountered", "ignore:overflow encountered")  # infinity is put in
@settings(max_examples=120, deadline=None, database=None)
@given(problem=problems(), seed=st.integers(0, 2**16))
def test_plain_arithmetic_passes_on_any_problem(problem: Problem, seed: int) -> None:
    cases = CaseSet.of(problem, seed)
    layer = Plain().prepare(problem, cases.real.weight, cases.real.bias, 1)
    exact = Plain().prepare(problem, cases.integer.weight, cases.integer.bias, 1)
    gate = QuestionedGate(Plain(), problem, cases)
    gate.before(layer, exact)
    inputs = Inputs(cases.first.inputs)
    gate.finishes(layer)
    gate.after(layer, inputs.arrays, layer(*inputs.arrays), inputs)
    # As slow as can be: whether an answer is remembered is found with a clock, elsewhere.
    gate.recomputes(layer, inputs.arrays, seconds_per_call=60.0)
    assert gate.error_ratio is not None
    assert gate.error_ratio <= 1
