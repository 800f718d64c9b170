"""A model of PyTorch whose layers are computed in other ways: the same results, or the model as it was."""

from __future__ import annotations

import copy
import importlib
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pointwise_bench.torch import Report, optimize, paired_times
from pointwise_bench.torch.paired_times import SpeedUp

torch: Any = pytest.importorskip("torch", reason="needs torch")
MODULE = importlib.import_module("pointwise_bench.torch.optimize")
CHOOSING = importlib.import_module("pointwise_bench.torch.choosing")
nn = torch.nn


@pytest.fixture(autouse=True)
def gradients_as_a_program_has_them(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Enabled, and nothing judged by time: the kernel wins wherever it is allowed, else oneDNN."""
    monkeypatch.setattr(MODULE, "paired", lambda first, second: SpeedUp(1.5, 1.2, 2.0))
    preferred = (CHOOSING.KERNEL, CHOOSING.ONEDNN, CHOOSING.MODULES)
    monkeypatch.setattr(CHOOSING, "_least_times", lambda calls: {name: float(preferred.index(name)) for name in calls})
    with torch.enable_grad():
        yield


class Small(nn.Module):  # type: ignore[misc, name-defined]
    """All that is taken in, what is not, a stride, groups, and a layer that is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 24, 1, bias=False)
        self.norm = nn.BatchNorm2d(24)
        self.clipped = nn.ReLU6(inplace=True)
        self.deep = nn.Conv2d(24, 24, 3, padding=1, groups=24, bias=False)
        self.deep_norm = nn.BatchNorm2d(24)
        self.back = nn.Conv2d(24, 24, 1)
        self.gated = nn.Sequential(nn.Conv2d(24, 13, 1, stride=2), nn.SiLU(), nn.Conv2d(13, 9, 1), nn.Hardswish())
        self.grouped = nn.Conv2d(9, 9, 1, groups=3)
        self.last = nn.Conv2d(9, 4, 1)
        self.head = nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 40), nn.GELU(), nn.Linear(40, 5))

    def forward(self, x: Any) -> Any:
        """Two results."""
        y = self.clipped(self.norm(self.first(x)))
        y = torch.relu(self.back(torch.nn.functional.silu(self.deep_norm(self.deep(y)))) + y)
        y = self.grouped(self.gated(y))
        y = self.last(y) + self.last(-y).relu()
        return self.head(y.mean((2, 3))), y


def model() -> Any:
    torch.manual_seed(5)
    made = Small()
    for norm in (made.norm, made.deep_norm):
        for name, values in (
            ("running_mean", (-1, 1)),
            ("running_var", (0.2, 3)),
            ("weight", (-2, 2)),
            ("bias", (-1, 1)),
        ):
            torch.nn.init.uniform_(getattr(norm, name), *values)
    return made.eval()


def close(one: Any, other: Any) -> bool:
    return all(torch.allclose(a, b, rtol=1e-4, atol=1e-5) for a, b in zip(one, other, strict=True))


def twice(called: Any, x: Any) -> Any:
    """The second result: after a change the model itself answers once."""
    called(x)
    return called(x)


def depthwise_fills_vectors(channels: int) -> bool:
    return bool(channels % importlib.import_module("pointwise_bench.torch.own_kernel.depthwise_code").LANES == 0)


def test_layers_take_in_what_follows_and_the_result_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    before, x = model(), torch.randn(2, 3, 9, 7)
    after = optimize(before, x)
    report = after.pointwise_report
    assert isinstance(report, Report)
    assert report.used, report
    told = {(one.name, one.way, one.with_norm, one.with_add, one.activation) for one in report.sites}
    kernel, onednn, modules = CHOOSING.KERNEL, CHOOSING.ONEDNN, CHOOSING.MODULES
    assert told == {
        ("first", kernel, True, False, "relu6"),
        ("deep", kernel if depthwise_fills_vectors(24) else onednn, True, False, "silu"),
        ("back", kernel, False, True, "relu"),
        ("gated.0", kernel, False, False, "silu"),
        ("gated.2", kernel, False, False, "hardswish"),
        ("grouped", onednn, False, False, "none"),
        ("last", modules, False, False, "none"),
        ("head.1", kernel, False, False, "gelu"),
        ("head.3", kernel, False, False, "none"),
    }
    assert {one.why for one in report.sites if one.name == "last"} == {"is called more than once"}
    assert "1.50 [1.20, 2.00] times as fast" in str(report)
    with torch.no_grad():
        for size in (2, 1, 2, 5):
            x = torch.randn(size, 3, 6, 6 + size)
            right, reached = before(x), after(x)
            assert close(reached, right)
            assert [one.stride() for one in reached] == [one.stride() for one in right]


class Gates(nn.Module):  # type: ignore[misc, name-defined]
    """As squeeze-and-excite has them, by a module, two functions and a method."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three, self.four = (nn.Conv2d(6, 20, 1) for _ in range(4))
        self.gate = nn.Sigmoid()

    def forward(self, x: Any) -> Any:
        """Values between 0 and 1."""
        functions = torch.sigmoid(self.two(x)), torch.nn.functional.sigmoid(self.three(x))
        return self.gate(self.one(x)), *functions, self.four(x).sigmoid()


@pytest.mark.parametrize("way", ["KERNEL", "ONEDNN"])
def test_a_sigmoid_is_taken_in_and_is_right_from_end_to_end(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = getattr(CHOOSING, way)
    monkeypatch.setattr(CHOOSING, "_least_times", lambda calls: {name: float(name != chosen) for name in calls})
    before, x = Gates().eval(), torch.randn(2, 6, 5, 5)
    after = optimize(before, x)
    assert {(one.way, one.activation) for one in after.pointwise_report.sites} == {(chosen, "sigmoid")}
    with torch.no_grad():
        for scale in (0.0, 1e-6, 1.0, 30.0, 1e3, 1e30):
            right, reached = before(scale * x), after(scale * x)
            rounded = min(1e-7 + 2e-7 * scale, 1e-3)  # of sums whose last places may differ
            for one, other in zip(reached, right, strict=True):
                assert torch.allclose(one, other, rtol=1e-5, atol=rounded), scale
        x[0, 0, 0, 0] = float("nan")
        assert all(bool((one.isnan() == other.isnan()).all()) for one, other in zip(after(x), before(x), strict=True))


class Turned(nn.Module):  # type: ignore[misc, name-defined]
    """A block as ConvNeXt has it: channels last for the linear layers, a scale for each channel, the input added."""

    def __init__(self) -> None:
        super().__init__()
        self.deep = nn.Conv2d(12, 12, 7, padding=3, groups=12)
        self.wide, self.narrow = nn.Linear(12, 48), nn.Linear(48, 12)
        self.gamma = nn.Parameter(torch.linspace(0.5, 2, 12))

    def forward(self, x: Any) -> Any:
        """Timm's words."""
        y = self.deep(x).permute(0, 2, 3, 1)
        y = self.narrow(torch.nn.functional.gelu(self.wide(y))).permute(0, 3, 1, 2)
        return y.mul(self.gamma.reshape(1, -1, 1, 1)) + x


def test_a_linear_layer_over_pictures_takes_in_its_scale_and_the_addition() -> None:
    before, x = Turned().eval(), torch.randn(2, 12, 9, 8)
    after = optimize(before, x)
    said = {one.name: one for one in after.pointwise_report.sites}
    assert after.pointwise_report.used
    assert (said["narrow"].way, said["narrow"].with_scale, said["narrow"].with_add) == (CHOOSING.KERNEL, True, True)
    with torch.no_grad():
        assert torch.allclose(after(x), before(x), rtol=1e-4, atol=1e-5)
        before.gamma.mul_(2)
        assert torch.allclose(twice(after, x), before(x), rtol=1e-4, atol=1e-5)


def test_programs_and_not_the_model_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    before, x = model(), torch.randn(1, 3, 6, 6)
    after = optimize(before, x)
    monkeypatch.setattr(type(before), "forward", lambda *given: pytest.fail("asked the model"))
    with torch.no_grad():
        after(x)
    with torch.inference_mode():
        after(x)


def test_it_shares_the_parameters_and_follows_their_changes() -> None:
    before, x = model(), torch.randn(1, 3, 6, 6)
    after = optimize(before, x)
    assert isinstance(after, Small)
    assert list(after.state_dict()) == list(before.state_dict())
    with torch.no_grad():
        old = after(x)
        before.first.weight.mul_(2)
        assert close(after(x), before(x))
        assert close(after(x), before(x))
        after.load_state_dict({name: value * 0.5 for name, value in before.state_dict().items()})
        assert close(twice(after, x), before(x))
        before.norm.running_mean = before.norm.running_mean + 1
        assert close(twice(after, x), before(x))
        before.head[1] = nn.Linear(4, 40)
        assert close(twice(after, x), before(x))
        after.double()
        assert close(after(x.double()), before(x.double()))
        assert not close(old, [one.float() for one in after(x.double())])


def test_training_and_gradients_are_the_model_s_own() -> None:
    before, x = model(), torch.randn(2, 3, 6, 6)
    after = optimize(before, x)
    sum(one.sum() for one in after(x)).backward()
    assert before.first.weight.grad is not None
    assert torch.is_grad_enabled()
    mean = before.norm.running_mean.clone()
    after.train()
    with torch.no_grad():
        after(x)
        assert not torch.equal(before.norm.running_mean, mean)
        after.eval()
        assert close(twice(after, x), before(x))
        before.norm.train()  # one part of it
        mean = before.norm.running_mean.clone()
        after(x)
        assert not torch.equal(before.norm.running_mean, mean)


def test_a_model_in_training_stays_so_with_all_of_its_modules() -> None:
    before = model().train()
    before.norm.eval()
    after = optimize(before, torch.randn(1, 3, 6, 6))
    assert (before.training, before.norm.training, before.deep.training, after.training) == (True, False, True, True)


def test_a_result_outlives_the_next_call() -> None:
    before, x = model(), torch.randn(1, 3, 6, 6)
    after = optimize(before, x)
    with torch.no_grad():
        first = after(x)
        kept = [one.clone() for one in first]
        after(-x)
    assert all(torch.equal(a, b) for a, b in zip(first, kept, strict=True))


def test_copies_and_pickles_are_the_model_as_it_was() -> None:
    before, x = model(), torch.randn(1, 3, 6, 6)
    after = optimize(before, x)
    for copied in (copy.deepcopy(after), pickle.loads(pickle.dumps(after))):
        assert type(copied) is Small
        with torch.no_grad():
            copied.last.weight.zero_()
            assert close(after(x), before(x))
            assert not close(copied(x), before(x))


def test_two_threads_at_once_get_their_own_results() -> None:
    before, inputs = model(), [torch.randn(1, 3, 30, 30) for _ in range(2)]
    after = optimize(before, inputs[0])
    wrong: list[int] = []

    def ask(x: Any) -> None:
        with torch.no_grad():
            right = before(x)
            wrong.extend(1 for _ in range(40) if not close(after(x), right))

    threads = [threading.Thread(target=ask, args=(x,)) for x in inputs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("threads", [1, 2])
def test_the_kernel_is_carried_out_by_the_threads_that_pytorch_has(threads: int) -> None:
    tasks = Path("/proc/self/task")
    if not tasks.is_dir():
        pytest.skip("counts the threads of a process where Linux lists them")
    usual = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.no_grad():
            before, x = model(), torch.randn(1, 3, 64, 64)
            after = optimize(before, x)
            torch.randn(512, 512) @ torch.randn(512, 512)
            before(x)
            there = set(tasks.iterdir())
            assert close(after(x), before(x))
            assert set(tasks.iterdir()) <= there  # of earlier tests some may have ended
    finally:
        torch.set_num_threads(usual)


def left(report: Report) -> str:
    assert not report.used
    return report.why


def test_it_is_left_alone_where_that_was_not_measured_to_be_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "paired", lambda first, second: SpeedUp(1.3, 0.99, 2.0))
    before, x = model(), torch.randn(1, 3, 6, 6)
    after = optimize(before, x)
    assert "optimised it would be 1.30 [0.99, 2.00]" in left(after.pointwise_report)
    with torch.no_grad():
        assert all(torch.equal(a, b) for a, b in zip(after(x), before(x), strict=True))


def test_it_is_left_alone_where_nothing_is_faster_or_it_is_no_float32() -> None:
    assert "nothing in it" in left(optimize(nn.ReLU(), torch.randn(1, 3, 6, 6)).pointwise_report)
    x = torch.randn(1, 3, 6, 6, dtype=torch.float64)
    assert "computes torch.float64" in left(optimize(model().double(), x).pointwise_report)


@pytest.mark.parametrize("channel", [0, 23])
def test_a_layer_that_differs_is_left_to_pytorch(channel: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fold of the normalisation that is wrong by a thousandth in one channel."""
    ways = importlib.import_module("pointwise_bench.torch.ways")
    right = ways.folded

    def wrong(site: Any) -> Any:
        weight, bias = right(site)
        if site.name == "first":
            weight[channel] *= 1.001
        return weight, bias

    monkeypatch.setattr(ways, "folded", wrong)
    before, x = model(), torch.randn(1, 3, 6, 6)
    after = optimize(before, x)
    (said,) = (one for one in after.pointwise_report.sites if one.name == "first")
    assert said.way == CHOOSING.MODULES
    assert "by more than both may err" in said.why
    with torch.no_grad():
        assert close(after(x), before(x))


def test_a_model_that_cannot_be_traced_is_left_alone() -> None:
    class Branching(nn.Module):  # type: ignore[misc, name-defined]  # of torch, whose types are not read
        def forward(self, x: Any) -> Any:
            return x if x.sum() > 0 else -x

    assert "cannot be traced" in left(optimize(Branching(), torch.ones(1, 8, 6, 6)).pointwise_report)


def test_the_faster_way_is_found_to_be_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty times as much work, so that no neighbour on the machine can turn it round."""
    monkeypatch.setattr(paired_times, "LOOKS", (9,))
    monkeypatch.setattr(paired_times, "TURN_S", 0.001)
    work = torch.ones(20_000)
    found = paired_times.paired(lambda: [work.sum() for _ in range(40)], work.sum)
    assert 1 < found.low <= found.ratio <= found.high


def test_what_few_rounds_leave_open_has_more_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the first rounds are disturbed; a look of its own needs more than the share of one would."""
    ratios: list[float] = []

    def timed(way: Any, calls: int) -> float:
        if way() == 1 or not ratios:
            return 1.0
        return ratios.pop(0)

    def rounds(of: list[float]) -> SpeedUp:
        ratios[:] = [1.0, *of]
        return paired_times.paired(lambda: 2, lambda: 1)

    monkeypatch.setattr(paired_times, "_timed", timed)
    disturbed = [0.5, 2.0] * 10
    assert rounds([2.0] * 300).low == 2
    assert len(ratios) == 300 - 21
    found = rounds([*disturbed, *[2.0] * 300])
    assert (found.ratio, found.low) == (2, 2)
    assert len(ratios) == 320 - 63
    of_one_look_enough = [*[0.5] * 5, *[2.0] * 16]
    assert paired_times.speed_up(of_one_look_enough).low == 2
    assert rounds([*of_one_look_enough, *[2.0] * 300]).low == 2
    assert len(ratios) == 321 - 63
    assert rounds([0.5, 2.0] * 150).low == 0.5
    assert len(ratios) == 300 - 189
