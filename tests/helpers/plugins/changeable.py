"""Correct backends that are something else once they are registered, and one that reports an error below nothing."""

from __future__ import annotations

from typing import Any

from pointwise_bench import Backend, Problem, register


class Right(Backend):
    """A correct backend for plain layers."""

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """The matrix product over each image's pixels."""
        import numpy as np

        self.change()
        return lambda x: np.matmul(weight, x.reshape(problem.batch, problem.in_channels, -1)).reshape(
            problem.output_shape
        )

    def change(self) -> None:
        """What a subclass changes when it is put to work."""


@register
class ChangesItsName(Right):
    """Takes a rival's name."""

    name = "changes-its-name"

    def change(self) -> None:
        """As another backend that is measured."""
        type(self).name = "numpy-matmul"


@register
class ChangesItsOutput(Right):
    """Says another thing of its memory than is true."""

    name = "changes-its-output"

    def change(self) -> None:
        """No word that there is."""
        type(self).output = "borrowed"  # type: ignore[assignment]


@register
class ChangesItsDocstring(Right):
    """Is described by a number."""

    name = "changes-its-docstring"

    def change(self) -> None:
        """No text."""
        type(self).__doc__ = 5  # type: ignore[assignment]


@register
class IsChangedAtOnce(Right):
    """Is changed in its file, right behind its registration."""

    name = "is-changed-at-once"


IsChangedAtOnce.name = "numpy-matmul"
IsChangedAtOnce.output = "borrowed"  # type: ignore[assignment]
IsChangedAtOnce.__doc__ = 5  # type: ignore[assignment]


@register
class IsBelowNothing(Right):
    """Forges how it ended, with an error that is less than none."""

    name = "is-below-nothing"

    def change(self) -> None:
        """Changes what its worker says of an end, and ends."""
        from pointwise_bench.suites.harness.record.ended import Ended

        forged = {"status": "wrong", "reason": "far off", "error_ratio": -1.0}
        Ended.report = lambda self: forged  # type: ignore[method-assign]
        raise ValueError("as said")
