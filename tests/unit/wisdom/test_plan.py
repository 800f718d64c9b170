"""A planned layer: right, of the backend that wisdom names, and there without it; refusals are one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from places import ROOT

import pointwise_bench
from pointwise_bench import Backend, Layer, Problem
from pointwise_bench.backends.registry import registry
from pointwise_bench.suites.harness.machine import environment
from pointwise_bench.wisdom import choice, value_check
from pointwise_bench.wisdom.entries import Rival, Wisdom, WisdomEntry
from pointwise_bench.wisdom.here import PLACE, computing
from pointwise_bench.wisdom.plan import plan
from pointwise_bench.wisdom.refusal import WisdomWarning
from pointwise_bench.wisdom.wisdom_file import write_wisdom

P = Problem(batch=1, in_channels=8, out_channels=4, height=5, width=3, bias=True, activation="relu")
Arrays = tuple[Any, Any, Any]


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither this user's wisdom nor what another test has found out."""
    monkeypatch.setenv(PLACE, str(tmp_path / "none.json"))
    monkeypatch.setattr(value_check, "_found", {})
    monkeypatch.setattr(choice, "DEFAULTS", ("numpy-matmul",))  # the usual one compiles for seconds


@pytest.fixture
def arrays() -> Arrays:
    rng = np.random.default_rng(3)
    return tuple(rng.standard_normal(shape).astype("float32") for shape in (P.weight_shape, (4,), P.input_shape))  # type: ignore[return-value]


def expected(arrays: Arrays) -> Any:
    weight, bias, x = arrays
    return np.maximum(np.einsum("oc,nchw->nohw", weight, x) + bias[:, None, None], 0)


def wisdom_file(path: Path, backend: str, *others: str, **changed: Any) -> Path:
    """Wisdom of this machine that names ``backend`` for ``P`` on one thread, and after it ``others``."""
    rivals = tuple(Rival(name, 1.5 + place, 1.2, 9.0, "faster", 40, 3) for place, name in enumerate(others))
    entry = WisdomEntry(P, 1, "a run", backend, "faster", 1e-4, rivals)
    here = {"machine": environment.machine(), "packages": computing(environment.packages())} | changed
    write_wisdom(Wisdom(**here, entries=(entry,)), path)
    return path


def planned(arrays: Arrays, **options: Any) -> Any:
    weight, bias, _ = arrays
    given: dict[str, Any] = {"input_shape": P.input_shape, "activation": "relu", "threads": 1} | options
    return plan(weight, bias, **given)


def refused(arrays: Arrays, path: Path, **options: Any) -> str:
    """The one line with which ``path`` is refused; a layer that is right is there all the same."""
    with pytest.warns(WisdomWarning) as caught:
        layer = planned(arrays, wisdom=path, **options)
    np.testing.assert_allclose(layer(arrays[2]), expected(arrays), rtol=1e-5, atol=1e-5)
    (warning,) = caught
    text = str(warning.message)
    assert text.startswith("wisdom is not used: ")
    assert "\n" not in text
    assert warning.filename == __file__, "the warning points at the caller"
    return text


def test_wisdom_is_followed_and_the_layer_says_so(arrays: Arrays, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer = planned(arrays, wisdom=wisdom_file(tmp_path / "w.json", "numpy-einsum", "numpy-matmul"))
    assert (layer.backend, layer.problem, layer.threads) == ("numpy-einsum", P, 1)
    assert "a run" in layer.why
    assert "numpy-matmul" in layer.why
    np.testing.assert_allclose(layer(arrays[2]), expected(arrays), rtol=1e-5, atol=1e-5)


def test_it_is_sought_where_the_environment_says(
    arrays: Arrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PLACE, str(wisdom_file(tmp_path / "w.json", "numpy-tensordot")))
    assert planned(arrays).backend == "numpy-tensordot"


def test_without_wisdom_there_is_a_layer_and_no_warning(arrays: Arrays) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer = planned(arrays)
    assert "rule" in layer.why
    np.testing.assert_allclose(layer(arrays[2]), expected(arrays), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"machine": "another-2-cores-01234567"}, "is of another-2-cores-01234567"),
        ({"packages": {"numpy": "0.0.1"}}, "was measured with numpy 0.0.1"),
        ({"packages": {"no-such-package": "1"}}, "here is none"),
    ],
)
def test_wisdom_of_another_machine_or_version_is_refused(
    arrays: Arrays, tmp_path: Path, changed: dict[str, Any], says: str
) -> None:
    assert says in refused(arrays, wisdom_file(tmp_path / "w.json", "numpy-einsum", **changed))


def test_wisdom_of_another_thread_budget_is_refused(arrays: Arrays, tmp_path: Path) -> None:
    assert "2 threads" in refused(arrays, wisdom_file(tmp_path / "w.json", "numpy-einsum"), threads=2)


def _not_json(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def _huge(path: Path) -> None:
    """Sound but for its size: what is cut off is white space."""
    with path.open("ab") as file:
        file.write(b" " * 2**24)


def _deep(path: Path) -> None:
    path.write_text("[" * 100_000)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _changed(**values: Any) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        content = json.loads(path.read_text())
        content["entries"][0] |= values
        path.write_text(json.dumps(content))

    return change


@pytest.mark.parametrize(
    "damage",
    [
        _not_json,
        _huge,
        _deep,
        _pipe,
        _changed(backend="../../etc/passwd"),
        _changed(backend="numpy\nmatmul"),
        _changed(backend="x" * 10**6),
        _changed(problem="n1c8h5w3-o4-bias-relu; rm"),
        _changed(threads=True),
        _changed(seconds=float("nan")),
        _changed(why="because"),
        _changed(run="a\x1b[31mrun\n"),
        _changed(rivals=[{"backend": "numpy-einsum"}]),
    ],
)
def test_a_damaged_or_hostile_file_is_refused(arrays: Arrays, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    path = wisdom_file(tmp_path / "w.json", "numpy-einsum")
    damage(path)
    began = time.process_time()
    assert len(refused(arrays, path)) < 500
    assert time.process_time() - began < 5


# --- who is named and cannot be used ------------------------------------------------------------------------------


class _Planted(Backend):
    name = "planted-here"

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Layer:
        def layer(x: Any) -> Any:
            y = np.einsum("oc,nchw->nohw", weight, x) + bias[:, None, None]
            return np.maximum(y, 0).astype(x.dtype)

        return layer


class _OffByALittle(_Planted):
    """Wrong in one number of the result, by a thousandth."""

    name = "planted-wrong"

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Layer:
        right = super().prepare(problem, weight, bias, threads)

        def layer(x: Any) -> Any:
            y = right(x)
            y[0, 0, 0, 0] += np.float32(1e-3)
            return y

        return layer


class _Stale(_Planted):
    """Right once: its first answer is its answer to everything."""

    name = "planted-stale"

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Layer:
        right, kept = super().prepare(problem, weight, bias, threads), []

        def layer(x: Any) -> Any:
            kept.append(right(x))
            return kept[0]

        return layer


class _Failing(_Planted):
    name = "planted-failing"

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Layer:
        raise OSError("no such\nlibrary")


@pytest.fixture
def planted() -> Iterator[None]:
    kinds = (_Planted, _OffByALittle, _Stale, _Failing)
    for kind in kinds:
        registry.register(kind)
    yield
    for kind in kinds:
        del registry._entries[kind.name]


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("planted-wrong", "planted-wrong is wrong here"),
        ("planted-stale", "planted-stale is wrong here"),
        ("planted-failing", "planted-failing failed: OSError: no such library"),
        ("not-here-at-all", "not-here-at-all is not here"),
    ],
)
def test_who_is_named_but_wrong_or_failing_or_absent_is_passed_over(
    arrays: Arrays, tmp_path: Path, name: str, says: str
) -> None:
    with pytest.warns(WisdomWarning) as caught:
        layer = planned(arrays, wisdom=wisdom_file(tmp_path / "w.json", name, "planted-here"))
    assert layer.backend == "planted-here"
    assert [says in str(each.message) for each in caught] == [True]
    np.testing.assert_allclose(layer(arrays[2]), expected(arrays), rtol=1e-5, atol=1e-5)


class _Wrapped:
    """An array of a library's own kind, which takes long to make."""

    def __init__(self, array: Any) -> None:
        time.sleep(0.002)
        self.array = array


class _OfItsOwnKind(_Planted):
    name = "planted-wrapped"

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Layer:
        right = super().prepare(problem, weight, bias, threads)
        return lambda x: right(x.array)

    def to_device(self, array: Any) -> Any:
        return _Wrapped(array)


@pytest.mark.usefixtures("planted")
def test_who_is_handed_arrays_for_longer_than_he_is_ahead_is_passed_over(arrays: Arrays, tmp_path: Path) -> None:
    registry.register(_OfItsOwnKind)
    try:
        layer = planned(arrays, wisdom=wisdom_file(tmp_path / "w.json", "planted-wrapped", "planted-here"))
        assert layer.backend == "planted-here"
        assert "planted-wrapped needs longer" in layer.why
        alone = planned(arrays, wisdom=wisdom_file(tmp_path / "v.json", "planted-wrapped"))
        assert alone.backend == "planted-wrapped"
        np.testing.assert_allclose(alone(arrays[2]), expected(arrays), rtol=1e-5, atol=1e-5)
    finally:
        del registry._entries["planted-wrapped"]


# --- what is asked for, and what is called with -------------------------------------------------------------------


def test_weights_with_two_sizes_of_one_and_another_layout_are_taken(arrays: Arrays) -> None:
    weight, bias, x = arrays
    layer = plan(weight[:, :, None, None], bias, input_shape=(1, 5, 3, 8), layout="nhwc", activation="relu", threads=1)
    y = layer(np.ascontiguousarray(x.transpose(0, 2, 3, 1)))
    np.testing.assert_allclose(y.transpose(0, 3, 1, 2), expected(arrays), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"input_shape": (1, 8, 5)}, "four sizes"),
        ({"input_shape": (1, 9, 5, 3)}, "weight must be"),
        ({"groups": 3}, "groups"),
        ({"activation": "tanh"}, "activation"),
        ({"threads": 0}, "threads"),
        ({"stride": 0}, "stride"),
        ({"weight": np.zeros((4, 8), "int32"), "bias": None}, "dtype"),
        ({"bias": np.zeros(4)}, "bias must be"),
        ({"weight": np.zeros((4, 8, 3, 3), "float32")}, "weight must be"),
    ],
)
def test_what_is_no_pointwise_convolution_is_an_error_that_names_it(
    arrays: Arrays, changed: dict[str, Any], says: str
) -> None:
    weight, bias, _ = arrays
    given = {"weight": weight, "bias": bias, "input_shape": P.input_shape, "threads": 1} | changed
    with pytest.raises(ValueError, match=says):
        plan(given.pop("weight"), given.pop("bias"), **given)


@pytest.mark.parametrize(
    "other",
    [
        np.zeros((1, 8, 5, 4), "float32"),
        np.zeros((2, 8, 5, 3), "float32"),
        np.zeros((1, 8, 5, 3)),
        np.zeros((1, 8, 3, 5), "float32").transpose(0, 1, 3, 2),
    ],
    ids=["shape", "batch", "type", "order"],
)
def test_another_array_than_was_planned_for_is_refused(arrays: Arrays, other: Any) -> None:
    with pytest.raises(ValueError, match="x must be float32"):
        planned(arrays)(other)


def with_residual(arrays: Arrays, residual: Any) -> Any:
    weight, bias, x = arrays
    return np.maximum(np.einsum("oc,nchw->nohw", weight, x) + bias[:, None, None] + residual, 0)


def test_a_residual_is_added_before_the_activation_and_stays_as_it_is(arrays: Arrays, tmp_path: Path) -> None:
    residual = np.random.default_rng(4).standard_normal(P.output_shape).astype("float32")
    residual.flags.writeable = False
    given = residual.copy()
    for name in ("numpy-matmul", "numba-serial"):
        entry = WisdomEntry(replace(P, add=True), 1, "a run", name, "faster", 1e-4, ())
        known = Wisdom(environment.machine(), computing(environment.packages()), (entry,))
        write_wisdom(known, tmp_path / "w.json")
        layer = planned(arrays, add=True, wisdom=tmp_path / "w.json")
        assert layer.backend == name
        assert layer.problem.add
        for _ in range(2):
            y = layer(arrays[2], residual)
            np.testing.assert_allclose(y, with_residual(arrays, residual), rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(residual, given)


@pytest.mark.parametrize("other", [np.zeros((1, 4, 5, 4), "float32"), np.zeros((1, 4, 5, 3))], ids=["shape", "type"])
def test_another_residual_than_was_planned_for_is_refused(arrays: Arrays, other: Any) -> None:
    with pytest.raises(ValueError, match="residual must be float32"):
        planned(arrays, add=True)(arrays[2], other)


def test_weights_that_change_later_change_nothing(arrays: Arrays) -> None:
    weight, bias, x = (each.copy() for each in arrays)
    layer = plan(weight, bias, input_shape=P.input_shape, activation="relu", threads=1)
    weight[:], bias[:] = 0, 0
    np.testing.assert_allclose(layer(x), expected(arrays), rtol=1e-5, atol=1e-5)


# --- what it costs ------------------------------------------------------------------------------------------------


def test_the_door_to_it_costs_nothing_until_it_is_opened_and_then_no_tables() -> None:
    program = """
import sys, pointwise_bench
assert "plan" in pointwise_bench.__all__
print(*(name for name in ("numpy", "pointwise_bench.wisdom.plan") if name in sys.modules))
pointwise_bench.plan
print(*(name for name in ("pandas", "matplotlib", "torch", "numba", "pytest") if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
    assert pointwise_bench.plan is plan
