"""Backends that are right on narrow layers and do not survive wide ones; see ``misbehaving.py`` for the rest."""

from __future__ import annotations

import os
import time
from typing import Any

from pointwise_bench import Backend, Problem, register


class OnlyNarrow(Backend):
    """The matrix product, with an accident in every call on more than 8 channels."""

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """Correct for plain layers."""
        import numpy as np

        def layer(x: Any) -> Any:
            if problem.in_channels > 8:
                self.accident()
            return np.matmul(weight, x.reshape(problem.batch, problem.in_channels, -1)).reshape(problem.output_shape)

        return layer

    def accident(self) -> None:
        """What happens on a wide layer."""
        raise NotImplementedError


@register
class CrashesOnWide(OnlyNarrow):
    """Aborts."""

    name = "crashes-on-wide"

    def accident(self) -> None:
        """As a failed assertion in C would."""
        os.abort()


@register
class HangsOnWide(OnlyNarrow):
    """Hangs."""

    name = "hangs-on-wide"

    def accident(self) -> None:
        """Never comes back."""
        time.sleep(1000)
