"""What stands right behind a convolution: who reads whose result, followed the same way for all sources.

Batch normalisation that alone reads a convolution's result is folded into it for inference and becomes its bias. An
activation counts where nobody else reads what it activates; behind a residual addition there is none, as in the
catalogue. The addition itself is told beside it, with the activation behind the sum: of one convolution alone, the last
one that it could be taken into, where both operands of an addition are convolutions' results.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pointwise_bench.harvest.operations import NO_ACTIVATION, Convolution, Linear, Operation

NO_CHANGE: Final = "no change"
"""Changes no value and moves none between channels' neighbours: dropout at inference, a view, a copy."""
BATCH_NORM: Final = "batch_norm"
ADD_CONSTANT: Final = "add_constant"
ADD: Final = "add_values"
"""Of two values of one shape, which is the result's: none of both is a parameter, and neither is multiplied."""
MULTIPLY: Final = "multiply"

ACTIVATIONS: Final = frozenset(
    {
        *("relu", "relu6", "silu", "hardswish", "gelu", "sigmoid", "hardsigmoid", "leaky_relu", "prelu", "elu", "celu"),
        *("selu", "tanh", "mish", "softplus", "hardtanh", "clamp", "square_relu", "log_sigmoid"),
        *("gelu_tanh", "steep_hardsigmoid"),
    }
)
_GATED: Final = {"sigmoid": "silu", "hardsigmoid": "hardswish"}
"""An activation whose result is multiplied by its own input is another one."""
_LONGEST_WAY: Final = 32
"""Steps that change nothing; in a damaged file they may form a circle."""
_LONGEST_GELU: Final = 6
"""Steps from a value to the ``erf`` or ``tanh`` of its GELU, written out, and back to a product."""

Value = Hashable


@dataclass(frozen=True)
class Node:
    """One step of a model: what it does, by a word of this module or any other, and what it reads and gives."""

    what: str
    reads: tuple[Value, ...]
    gives: tuple[Value, ...]
    operation: Operation | None = None


def with_what_follows(nodes: Sequence[Node], results: Iterable[Value]) -> tuple[Operation, ...]:
    """The operations of ``nodes``, each with the bias and the activation that follow; ``results`` leave the model."""
    flow = _Flow(nodes, results)
    # By identity: two nodes may be equal. Later ones come later, and stay.
    takers = {id(sum_): node for node in nodes if (sum_ := flow.sum_behind(node)) is not None}
    sums = {id(node): flow.sum_behind(node) for node in takers.values()}
    return tuple(flow.completed(node, sums.get(id(node))) for node in nodes if node.operation is not None)


class _Flow:
    """Readers of every value."""

    def __init__(self, nodes: Sequence[Node], results: Iterable[Value]) -> None:
        self._readers: defaultdict[Value, list[Node]] = defaultdict(list)
        for node in nodes:
            for value in dict.fromkeys(node.reads):
                self._readers[value].append(node)
        for value in results:
            self._readers[value].append(Node("result", (value,), ()))

    def sum_behind(self, node: Node) -> Node | None:
        """The addition of a residual right behind a convolution, which nobody else reads; None where there is none.

        What changes no value may still move values, as a view does: behind one the residual lies otherwise.
        """
        if not isinstance(node.operation, Convolution) or not node.gives:
            return None
        value = node.gives[0]
        for _ in range(_LONGEST_WAY):
            readers = self._readers[value]
            if len(readers) != 1 or not readers[0].gives:
                return None
            (reader,) = readers
            if reader.what == ADD:
                return reader if len({*reader.reads}) == len(reader.reads) == 2 else None
            if reader.what not in (ADD_CONSTANT, BATCH_NORM):
                return None
            value = reader.gives[0]
        return None

    def completed(self, node: Node, sum_: Node | None) -> Operation:
        """The operation of ``node`` with what follows; ``sum_``: the addition that it takes in."""
        operation = node.operation
        assert operation is not None
        if not isinstance(operation, Convolution | Linear) or not node.gives:
            return operation
        bias, activation = self._behind(node.gives[0], folds_norm=isinstance(operation, Convolution))
        if operation.activation != NO_ACTIVATION:  # the source had it within the operation
            activation = operation.activation
        completed = replace(operation, bias=operation.bias or bias, activation=activation)
        if sum_ is None or not isinstance(completed, Convolution) or activation != NO_ACTIVATION:
            return completed
        return replace(completed, after_residual=self._behind(sum_.gives[0], folds_norm=False)[1])

    def _behind(self, value: Value, *, folds_norm: bool) -> tuple[bool, str]:
        """Whether a bias follows, and which activation."""
        bias = False
        readers = self._readers[value]
        for _ in range(_LONGEST_WAY):
            if len(readers) != 1:
                break
            (reader,) = readers
            if reader.what in ACTIVATIONS:
                return bias, reader.what
            is_shift = reader.what == ADD_CONSTANT or (reader.what == BATCH_NORM and folds_norm)
            if (reader.what != NO_CHANGE and not is_shift) or not reader.gives:
                break
            bias, value = bias or is_shift, reader.gives[0]
            readers = self._readers[value]
        return bias, self._of_two(value, readers) if len(readers) > 1 else NO_ACTIVATION

    def _of_two(self, value: Value, readers: Sequence[Node]) -> str:
        """Activations that are written out as several steps, the first of which are ``readers``."""
        for first in readers:
            gate = _GATED.get(first.what)
            if gate and first.gives and len(readers) == 2 and self._is_product(value, first.gives[0], readers):
                return gate
        if len(readers) == 2 and any(self._leads_to_erf(reader) for reader in readers):
            return "gelu"
        return NO_ACTIVATION

    def _is_product(self, value: Value, gated: Value, readers: Sequence[Node]) -> bool:
        return any(reader.what == MULTIPLY and {*reader.reads} >= {value, gated} for reader in readers)

    def _leads_to_erf(self, node: Node) -> bool:
        for _ in range(_LONGEST_GELU):
            if node.what == "erf":
                return True
            readers = self._readers[node.gives[0]] if node.gives else []
            if len(readers) != 1:
                return False
            (node,) = readers
        return False
