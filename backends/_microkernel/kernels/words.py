"""What a kernel is told: the words that all kernels have in common, and the loop over the tiles of one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

from pointwise_bench.backends._microkernel.kernels.llvm import CACHE_LINE, Code

WordKind = Literal["pixels", "more", "channels", "rest", "dots"]
"""``more`` is ``pixels`` for a part of the channels: it goes on with the sums that the result holds, if ``begun``.

``rest`` is ``channels`` for the few pixels that a plane has beyond whole vectors, against a panel of weights that is
packed for ``pixels``: what its vectors hold beyond the panel is computed and not stored. ``dots`` is written in a
module of its own.
"""

PARAMETERS = (
    *(
        "rows",
        "lanes",
        "valid",
        "k",
        "a",
        "a_row",
        "a_step",
        "b",
        "b_step",
        "c",
        "c_row",
        "c_lane",
        "bias",
        "activation",
    ),
    *("ahead", "ahead_step", "ahead_line", "ahead_end", "begun", "count", "a_next", "b_next", "c_next", "bias_next"),
    "other",
)
"""Of every kernel. Strides in bytes: from row to row, from step to step, from lane to lane; ``valid`` lanes exist.

A kernel computes ``count`` tiles of the result, one behind the other: with sixteen channels a tile is done in a hundred
cycles, and to enter a kernel with all its words takes nearly as many. What changes from one to the next are the rows,
or the lanes; ``a_next`` and its like say how far each operand's next begins behind this one.

``other`` is how far behind the result's memory a residual lies that is added to it, element by element; 0 where none
is.

``ahead`` is where the next tile of pixels begins. Its lines are asked for one step after the other while this tile is
computed, since a row of it lies a whole plane behind the one before, where no hardware looks ahead. Each of ``count``
asks for one line further, up to ``ahead_end``.
"""


TAKEN: Final[dict[WordKind, tuple[str, ...]]] = {
    "pixels": (
        *("k", "a", "b", "b_step", "c", "c_row", "bias", "activation", "ahead", "ahead_step", "ahead_line"),
        *("ahead_end", "count", "a_next", "b_next", "c_next", "bias_next", "other"),
    ),
    "more": (
        *("k", "a", "b", "b_step", "c", "c_row", "bias", "activation", "ahead", "ahead_step", "ahead_line"),
        *("ahead_end", "begun", "other"),
    ),
    "channels": (
        *("valid", "k", "a", "a_row", "a_step", "b", "c", "c_row", "c_lane", "bias", "activation"),
        *("count", "a_next", "c_next", "other"),
    ),
    "rest": ("valid", "k", "a", "b", "b_step", "c", "c_lane", "bias", "activation", "other"),
    "dots": (
        "k",
        "a",
        "a_row",
        "b",
        "c",
        "c_row",
        "c_lane",
        "bias",
        "activation",
        "count",
        "a_next",
        "c_next",
        "other",
    ),
}
"""What a kernel of each kind is given: the other words are known where it is written, and each that is handed on is a
store and a load of every call. As kernels are called by their address, LLVM cannot find that out."""


def function_of_words(code: Code, name: str, kind: WordKind) -> tuple[Any, Any, dict[str, Any]]:
    """A function of the words that a kind takes; a builder at its beginning, and all words, the others constants."""
    function, builder, given = code.function(name, len(TAKEN[kind]))
    known = {"count": 1, "c_row": code.item}
    words = {word: code.word(known.get(word, 0)) for word in PARAMETERS}
    return function, builder, words | dict(zip(TAKEN[kind], given, strict=True))


NONE, RELU, RELU6, HARDSWISH, SILU, GELU = range(6)
"""What the word ``activation`` says; for one of ``SMOOTH`` it is the address of the function that applies it, so that
its code is compiled where a layer has it and not with every kernel."""

SMOOTH: Final = (SILU, GELU)

NUMBERS: Final = {"none": NONE, "relu": RELU, "relu6": RELU6, "hardswish": HARDSWISH, "silu": SILU, "gelu": GELU}


def number_of(activation: str, item: int) -> int:
    """The word of an activation; ``NONE`` where kernels of elements of that size do not know it."""
    # A double's erf has no short polynomial: it stays a loop behind the kernel.
    return NONE if activation == "gelu" and item > SINGLE else NUMBERS[activation]


SINGLE: Final = 4
"""Bytes of a float32."""


def lowest(code: Code, builder: Any, activation: Any) -> Any:
    """The least element that a result may be: zero with a ReLU or ReLU6, which the word ``activation`` tells."""
    wanted = builder.icmp_unsigned("<=", builder.sub(activation, code.word(RELU)), code.word(RELU6 - RELU))
    return builder.select(wanted, code.ir.Constant(code.element, 0.0), code.ir.Constant(code.element, float("-inf")))


MOVING: Final = ("a", "b", "c", "bias", "ahead")


def for_each_tile(code: Code, builder: Any, words: dict[str, Any], write: Callable[[dict[str, Any]], None]) -> None:
    """A loop over ``count``, in which ``write`` gets the words of one tile.

    The places are carried from turn to turn: to multiply them out in each cost 2 % of a layer of 64 channels.
    """
    ways = {name: words.get(f"{name}_next", code.word(CACHE_LINE)) for name in MOVING}

    def one(_: Any, places: list[Any]) -> list[Any]:
        here = words | dict(zip(MOVING, places, strict=True))
        asked = builder.icmp_unsigned("<=", here["ahead"], words["ahead_end"])
        where = {
            "ahead": builder.select(asked, here["ahead"], here["a"]),  # what was just read costs nothing
            "ahead_step": builder.select(asked, words["ahead_step"], code.word(0)),
        }
        write(here | where)
        return [builder.add(place, way) for place, way in zip(places, ways.values(), strict=True)]

    code.loop(builder, words["count"], one, [words[name] for name in MOVING])
