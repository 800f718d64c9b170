"""A model of PyTorch with its 1x1 convolutions planned: the same results, or the model as it was."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from pointwise_bench.backends.problem import Problem
from pointwise_bench.suites.harness.machine import environment
from pointwise_bench.torch import Report, optimize, paired_times
from pointwise_bench.torch.paired_times import SpeedUp
from pointwise_bench.wisdom.entries import Wisdom, WisdomEntry
from pointwise_bench.wisdom.here import computing
from pointwise_bench.wisdom.wisdom_file import write_wisdom

torch: Any = pytest.importorskip("torch", reason="needs torch")
MODULE = importlib.import_module("pointwise_bench.torch.optimize")


@pytest.fixture(autouse=True)
def gradients_as_a_program_has_them(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Enabled, and nothing judged by time."""
    monkeypatch.setattr(MODULE, "paired", lambda first, second: SpeedUp(1.5, 1.2, 2.0))
    with torch.enable_grad():
        yield


@pytest.fixture
def wisdom(tmp_path: Path) -> Path:
    return wisdom_for(tmp_path / "w.json", "numpy-matmul")


def wisdom_for(path: Path, backend: str) -> Path:
    """Of this machine, where ``backend`` alone was ever measured."""
    problem = Problem(batch=1, in_channels=8, out_channels=8, height=6, width=6)
    entry = WisdomEntry(problem, torch.get_num_threads(), "a run", backend, "faster", 1e-4, ())
    packages = computing(environment.packages())
    write_wisdom(Wisdom(environment.machine(), packages, (entry,)), path)
    return path


def model() -> Any:
    """Convolutions with and without what can be taken in, at a stride, in groups, and one that is read twice."""
    nn = torch.nn

    class Small(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(8, 12, 1, bias=False)
            self.norm = nn.BatchNorm2d(12)
            self.wide = nn.Conv2d(12, 12, 3, padding=1)
            self.strided = nn.Conv2d(12, 12, 1, stride=2, groups=3)
            self.last = nn.Conv2d(12, 4, 1)

        def forward(self, x: Any) -> Any:
            y = torch.relu(self.norm(self.first(x)))
            y = self.strided(self.wide(y))
            return self.last(y) + self.last(-y).relu(), y

    torch.manual_seed(5)
    made = Small()
    for name, values in (("running_mean", (-1, 1)), ("running_var", (0.2, 3)), ("weight", (-2, 2)), ("bias", (-1, 1))):
        torch.nn.init.uniform_(getattr(made.norm, name), *values)
    return made.eval()


def close(one: Any, other: Any) -> bool:
    return all(torch.allclose(a, b, rtol=1e-4, atol=1e-5) for a, b in zip(one, other, strict=True))


def test_what_wisdom_names_computes_it_and_the_rest_is_as_it_was(wisdom: Path) -> None:
    before, x = model(), torch.randn(2, 8, 6, 6)
    after = optimize(before, x, wisdom=wisdom)
    report = after.pointwise_report
    assert isinstance(report, Report)
    assert report.used, report
    told = {(site.name, site.backend, site.with_norm, site.with_relu) for site in report.sites}
    assert told == {
        *(("first", "numpy-matmul", True, True), ("strided", "numpy-matmul", False, False)),
        ("last", None, False, False),
    }
    assert {site.why for site in report.sites if site.name == "last"} == {"is called more than once"}
    assert "1.50 [1.20, 2.00] times as fast" in str(report)
    with torch.no_grad():
        for size in (2, 1, 2, 5):
            x = torch.randn(size, 8, 6, 6 + size)
            assert close(after(x), before(x))


def test_it_shares_the_parameters_and_follows_their_changes(wisdom: Path) -> None:
    before, x = model(), torch.randn(1, 8, 6, 6)
    after = optimize(before, x, wisdom=wisdom)
    assert list(after.state_dict()) == list(before.state_dict())
    with torch.no_grad():
        old = after(x)
        before.first.weight.mul_(2)
        assert close(after(x), before(x))
        after.load_state_dict({name: value * 0.5 for name, value in before.state_dict().items()})
        assert close(after(x), before(x))
        before.norm.running_mean = before.norm.running_mean + 1
        assert close(after(x), before(x))
        after.double()
        assert close(after(x.double()), before(x.double()))
        assert not close(old, [one.float() for one in after(x.double())])


def test_training_and_gradients_are_the_model_s_own(wisdom: Path) -> None:
    before, x = model(), torch.randn(2, 8, 6, 6)
    after = optimize(before, x, wisdom=wisdom)
    sum(one.sum() for one in after(x)).backward()
    assert before.first.weight.grad is not None
    assert torch.is_grad_enabled()
    mean = before.norm.running_mean.clone()
    after.train()
    with torch.no_grad():
        after(x)
        assert not torch.equal(before.norm.running_mean, mean)
        after.eval()
        assert close(after(x), before(x))


def test_a_model_in_training_stays_so_with_all_of_its_modules(wisdom: Path) -> None:
    before = model().train()
    before.norm.eval()
    after = optimize(before, torch.randn(1, 8, 6, 6), wisdom=wisdom)
    assert (before.training, before.norm.training, before.wide.training, after.training) == (True, False, True, True)


def test_a_result_outlives_the_next_call(wisdom: Path) -> None:
    before, x = model(), torch.randn(1, 8, 6, 6)
    after = optimize(before, x, wisdom=wisdom)
    with torch.no_grad():
        first = after(x)
        kept = [one.clone() for one in first]
        after(-x)
    assert all(torch.equal(a, b) for a, b in zip(first, kept, strict=True))


def left(report: Report) -> str:
    assert not report.used
    return report.why


def test_it_is_left_alone_where_pytorch_is_fastest_or_nothing_is_known(tmp_path: Path) -> None:
    before, x = model(), torch.randn(1, 8, 6, 6)
    after = optimize(before, x, wisdom=wisdom_for(tmp_path / "t.json", "torch-conv2d"))
    assert "no 1x1 convolution" in left(after.pointwise_report)
    assert "PyTorch itself is fastest" in str(after.pointwise_report)
    with pytest.warns(UserWarning, match="wisdom is not used"):
        assert "no wisdom" in str(optimize(before, x, wisdom=tmp_path / "none.json").pointwise_report)
    with torch.no_grad():
        assert all(torch.equal(a, b) for a, b in zip(after(x), before(x), strict=True))


def test_it_is_left_alone_where_that_was_not_measured_to_be_faster(
    wisdom: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MODULE, "paired", lambda first, second: SpeedUp(1.3, 0.99, 2.0))
    assert "planned it would be 1.30 [0.99, 2.00]" in left(
        optimize(model(), torch.randn(1, 8, 6, 6), wisdom=wisdom).pointwise_report
    )


def test_a_layer_that_differs_is_left_to_pytorch(wisdom: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fold of the normalisation that is wrong by a thousandth in one channel."""
    site = importlib.import_module("pointwise_bench.torch.planned_site")
    right = site.PlannedSite._folded

    def wrong(self: Any) -> Any:
        weight, bias = right(self)
        weight[3] *= 1.001
        return weight, bias

    monkeypatch.setattr(site.PlannedSite, "_folded", wrong)
    before, x = model(), torch.randn(1, 8, 6, 6)
    after = optimize(before, x, wisdom=wisdom)
    assert "by more than both may err" in str(after.pointwise_report)
    with torch.no_grad():
        assert close(after(x), before(x))


def test_a_model_that_cannot_be_traced_is_left_alone(wisdom: Path) -> None:
    class Branching(torch.nn.Module):  # type: ignore[misc]  # of torch, whose types are not read
        def forward(self, x: Any) -> Any:
            return x if x.sum() > 0 else -x

    assert "cannot be traced" in left(optimize(Branching(), torch.ones(1, 8, 6, 6), wisdom=wisdom).pointwise_report)


def test_the_faster_way_is_found_to_be_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty times as much work, so that no neighbour on the machine can turn it round."""
    monkeypatch.setattr(paired_times, "ROUNDS", 9)
    monkeypatch.setattr(paired_times, "TURN_S", 0.001)
    work = torch.ones(20_000)
    found = paired_times.paired(lambda: [work.sum() for _ in range(40)], work.sum)
    assert 1 < found.low <= found.ratio <= found.high
