"""Depthwise convolutions by code of our own: what the modules give, within the gate's bounds, and nothing behind it."""

from __future__ import annotations

import random
from typing import Any

import pytest

from pointwise_bench.torch.agreement import agrees
from pointwise_bench.torch.own_kernel import depthwise
from pointwise_bench.torch.sites import Site
from pointwise_bench.torch.ways import by_kernel, by_modules, into

torch: Any = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("numba", reason="it is compiled by numba")
nn = torch.nn

BEHIND = 64
"""Elements behind a result, which nobody may write."""


@pytest.fixture(autouse=True)
def without_gradients() -> Any:
    with torch.no_grad():
        yield


def lanes() -> int:
    from pointwise_bench.torch.own_kernel.depthwise_code import LANES

    return LANES


def reached(site: Site, x: Any, threads: int = 1, other: Any = None) -> tuple[bool, Any]:
    """Whether the result is right, and nothing written behind it; and the result."""
    kernel = by_kernel(site, x, threads)
    assert kernel is not None
    given = (x,) if other is None else (x, other)
    right = by_modules(site)(*given)
    memory = torch.full((right.numel() + BEHIND,), float("nan"))
    y = into(kernel, site, x, memory)(*given)
    kept = bool(memory[right.numel() :].isnan().all())
    return y.shape == right.shape and agrees(site, x, other, y, right) and kept, y


def pictures(batch: int, channels: int, height: int, width: int) -> Any:
    return torch.randn(batch, channels, height, width).contiguous(memory_format=torch.channels_last)


def convolution(channels: int, side: int, stride: int = 1, padding: int = 0, **further: Any) -> Any:
    return nn.Conv2d(channels, channels, side, stride, padding, groups=channels, **further)


def test_it_is_right_on_drawn_layers() -> None:
    """Sides, strides, paddings up to the side, pictures no larger than the square, batches, activations, threads."""
    torch.manual_seed(0)
    drawn = random.Random(7)
    for _ in range(60):
        side = drawn.choice([2, 3, 4, 5, 7])
        padding = drawn.randrange(side)
        channels, stride = lanes() * drawn.choice([1, 2, 3, 5, 6]), drawn.choice([1, 2, 3])
        x = pictures(drawn.choice([1, 1, 2, 3]), channels, drawn.randrange(side, 20), drawn.randrange(side, 23))
        activation = drawn.choice(["none", "relu", "relu6", "silu", "hardswish", "gelu"])
        site = Site("drawn", convolution(channels, side, stride, padding, bias=drawn.random() < 0.5), [])
        site.activation = activation
        right, _ = reached(site, x, drawn.choice([1, 2, 3]))
        assert right, (side, stride, padding, activation, x.shape)


def test_what_follows_is_taken_in_and_nan_stays() -> None:
    torch.manual_seed(0)
    channels = 2 * lanes()
    norm = nn.BatchNorm2d(channels).eval()
    norm.running_mean.uniform_(-1, 1)
    norm.running_var.uniform_(0.3, 3)
    site = Site("site", convolution(channels, 3, padding=1, bias=False), [], norm=norm, activation="relu6")
    x = pictures(2, channels, 5, 9)
    assert reached(site, x)[0]
    x[1, 3, 2, 4] = float("nan")
    right, y = reached(site, x)
    assert right
    assert int(y.isnan().sum()) == 9, "of one channel, the pixels around it"


def test_pieces_cover_each_row_once() -> None:
    for batch, threads in ((1, 1), (3, 2), (2, 5)):
        layer = depthwise.Depthwise(batch, 512, 7, 6, 3, 2, 1)
        parts = depthwise._parts(layer, threads)
        rows = [(picture, first + row) for part in parts for picture, first, count in part for row in range(count)]
        assert rows == [(picture, row) for picture in range(batch) for row in range(layer.out_height)]
        assert len(parts) <= threads


@pytest.mark.parametrize(
    ("conv", "theirs"),
    [
        (lambda: convolution(lanes(), 3, padding=1), True),
        (lambda: convolution(lanes(), 3, padding=1, dilation=2), False),
        (lambda: convolution(lanes(), 3, padding=3), False),
        (lambda: nn.Conv2d(lanes(), lanes(), (3, 1), groups=lanes()), False),
        (lambda: nn.Conv2d(lanes(), 2 * lanes(), 3, groups=lanes()), False),
        (lambda: nn.Conv2d(lanes(), lanes(), 3, groups=2), False),
        (lambda: nn.Conv2d(lanes(), lanes(), 3, (1, 2), groups=lanes()), False),
        (lambda: nn.Conv2d(lanes(), lanes(), 3, 1, (0, 1), groups=lanes()), False),
        (lambda: convolution(lanes() + 1, 3), False),
    ],
    ids=["plain", "dilated", "padded beyond", "no square", "two each", "groups", "strides", "paddings", "no vectors"],
)
def test_other_convolutions_are_left_to_pytorch(conv: Any, theirs: bool) -> None:
    made = conv()
    assert (by_kernel(Site("site", made, []), pictures(1, made.in_channels, 8, 8), 1) is not None) == theirs
