"""Output sizes of whatever slides a window over an image: convolutions and pools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pointwise_bench.harvest.onnx_file.records import NodeRecord

_SAME: Final = ("SAME_UPPER", "SAME_LOWER")


@dataclass(frozen=True)
class Window:
    """What a node slides over an image of ``rank`` dimensions."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    begin: tuple[int, ...]
    end: tuple[int, ...]

    @property
    def extent(self) -> tuple[int, ...]:
        """Elements from the first to the last of the kernel, by dimension."""
        return tuple((size - 1) * step + 1 for size, step in zip(self.kernel, self.dilation, strict=True))


def window_of(node: NodeRecord, kernel: tuple[int, ...], image: tuple[int, ...]) -> Window:
    """The window with its padding in numbers. ``ValueError`` where its lists do not fit the image."""
    ones = (1,) * len(image)
    stride, dilation = node.ints.get("strides", ones), node.ints.get("dilations", ones)
    pads = node.ints.get("pads", (0,) * (2 * len(image)))
    if min((*kernel, *stride, *dilation), default=1) < 1:
        raise ValueError("a window without size or step")
    begin, end = pads[: len(image)], pads[len(image) :]
    window = Window(kernel, stride, dilation, begin, end)
    if node.texts.get("auto_pad") in _SAME:
        totals = [
            max((-(-size // step) - 1) * step + extent - size, 0)
            for size, step, extent in zip(image, stride, window.extent, strict=True)
        ]
        window = Window(kernel, stride, dilation, tuple(t // 2 for t in totals), tuple(t - t // 2 for t in totals))
    return window


def slid(window: Window, image: tuple[int, ...], *, ceil: bool = False) -> tuple[int, ...]:
    """The image that comes out."""
    sizes = []
    for size, extent, step, begin, end in zip(
        image, window.extent, window.stride, window.begin, window.end, strict=True
    ):
        room = size + begin + end - extent
        count = (-(-room // step) if ceil else room // step) + 1
        if ceil and (count - 1) * step >= size + begin:  # a window that would begin in the padding behind the image
            count -= 1
        sizes.append(count)
    return tuple(sizes)


def spread(node: NodeRecord, window: Window, image: tuple[int, ...]) -> tuple[int, ...]:
    """The image that comes out of a transposed convolution."""
    if "output_shape" in node.ints:
        return node.ints["output_shape"][-len(image) :]
    more = node.ints.get("output_padding", (0,) * len(image))
    if node.texts.get("auto_pad") in _SAME:
        return tuple(size * step for size, step in zip(image, window.stride, strict=True))
    return tuple(
        step * (size - 1) + rest + extent - begin - end
        for size, step, rest, extent, begin, end in zip(
            image, window.stride, more, window.extent, window.begin, window.end, strict=True
        )
    )
