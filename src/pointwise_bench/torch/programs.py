"""The programs of one model: one for each shape that it meets, made anew when the model has changed."""

from __future__ import annotations

import threading
from typing import Any, Final

from pointwise_bench.torch.program import Program
from pointwise_bench.torch.state import State

MOST_SHAPES: Final = 8
"""Each has packed weights of its own; a program whose shapes change all the time is better served without."""


class Programs:
    """``call(x)``: the result, or None where the model itself has to be asked."""

    def __init__(self, model: Any, example: Any, program: Program) -> None:
        self._model = model
        self._choices = {_key(example): program.choices}
        self._usual = program.choices
        self._state = State(model)
        self._now: Any = self._state.now()
        self._made: dict[Any, Program | None] = {_key(example): program}
        self._busy = threading.Lock()

    def __deepcopy__(self, memo: Any) -> None:
        """A copy of a model has parameters of its own, and is the model as it was."""

    def __reduce__(self) -> Any:
        return type(None), ()

    def call(self, x: Any) -> Any | None:
        """Programs write into memory of their own: who comes while another is at it asks the model."""
        if not self._busy.acquire(blocking=False):
            return None
        try:
            return self._call(x)
        finally:
            self._busy.release()

    def _call(self, x: Any) -> Any | None:
        now = self._state.now()
        if now != self._now:
            # The model answers once: where it changes before every call, nothing is made again and again in vain.
            self._now = now
            self._made.clear()
            return None
        if now is None:
            return None
        key = _key(x)
        if key not in self._made:
            if len(self._made) >= MOST_SHAPES:
                return None
            self._made[key] = self._program(x, key)
        program = self._made[key]
        return None if program is None else program(x)

    def _program(self, x: Any, key: Any) -> Program | None:
        """Held against the model on the very input that it is made for."""
        choices = self._choices.get(key, self._usual)
        try:
            program = make(self._model, x, choices)
            return program if close(self._model_on(x), program(x)) else None
        except Exception:  # what a model does in Python has no bounds; it answers for itself then, errors included
            return None

    def _model_on(self, x: Any) -> Any:
        return type(self._model).forward(self._model, x)


def make(model: Any, x: Any, choices: Any = None) -> Program:
    """A program for inputs such as ``x``; its memory is no inference tensor, which could not be written later."""
    import torch

    with torch.inference_mode(False), torch.no_grad():
        given = x.clone() if x.is_inference() else x
        return Program(model, given, torch.get_num_threads(), choices)


def close(right: Any, reached: Any) -> bool:
    """Each site was held to its bounds; of the whole only what no rounding explains is refused."""
    import torch

    try:
        torch.testing.assert_close(reached, right, rtol=1e-3, atol=1e-4 * _largest(right), equal_nan=True)
    except AssertionError:
        return False
    return True


def _largest(result: Any) -> float:
    import torch
    from torch.utils import _pytree

    sizes = [float(one.abs().max()) for one in _pytree.tree_leaves(result) if torch.is_tensor(one) and one.numel()]
    return max(sizes, default=0.0)


def _key(x: Any) -> Any:
    import torch

    return (x.shape, x.dtype, torch.get_num_threads())
