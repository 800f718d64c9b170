"""Watches one forward pass of a model, operator by operator, and writes down what was computed from what.

On the device ``meta``, where tensors have shapes and no memory, it takes milliseconds. A dispatch mode sees the same
operators whoever calls them, a module of Python or TorchScript; hooks of modules see no TorchScript, and tracing to a
graph stops where a model's path depends on its sizes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from pointwise_bench.harvest.dataflow import ADD, ADD_CONSTANT, NO_CHANGE, Node, with_what_follows
from pointwise_bench.harvest.operations import Linear, Operation
from pointwise_bench.harvest.torch_models.aten import Given, operation_of, word_of

_DTYPE_PREFIX: Final = "torch."
_MATRIX_PRODUCTS: Final = {"mm": ("self", "mat2"), "addmm": ("mat1", "mat2")}


def operations_of(model: Any, inputs: Sequence[Any]) -> tuple[Operation, ...]:
    """The operations of one call of ``model``, a module of PyTorch, in the order in which they were computed."""
    import torch

    notes = _Notes(model)
    with torch.no_grad(), _module_names(model, notes.stack), _mode(notes):
        result = model(*inputs)
    return with_what_follows(notes.nodes, [notes.value(tensor) for tensor in _tensors(result)])


def _mode(notes: _Notes) -> Any:
    """Made here, because its class needs PyTorch."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Recorder(TorchDispatchMode):  # type: ignore[misc]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            notes.note(func, args, kwargs or {}, result)
            return result

    return Recorder()


class _Notes:
    """The nodes so far, and which value each tensor holds."""

    def __init__(self, model: Any) -> None:
        from torch.utils.weak import WeakIdKeyDictionary

        self.nodes: list[Node] = []
        self.stack: list[str] = []
        self._values: Any = WeakIdKeyDictionary()
        self._shapes: Any = WeakIdKeyDictionary()
        self._turned: Any = WeakIdKeyDictionary()
        self._parameters: Any = WeakIdKeyDictionary()
        self._next = 0
        for name, parameter in [*model.named_parameters(), *model.named_buffers()]:
            self._parameters[parameter] = name

    def value(self, tensor: Any) -> int:
        """The number of the value that the tensor holds now."""
        if tensor not in self._values:
            self._give(tensor)
        found: int = self._values[tensor]
        return found

    def _give(self, tensor: Any) -> int:
        self._next += 1
        self._values[tensor] = self._next
        return self._next

    def note(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> None:
        operator = str(func._schema.name).partition("::")[2]
        named = self._named(func, args, kwargs)
        tensors = {key: each for key, each in named.items() if _is_tensor(each)}
        results = list(_tensors(result))
        given = Given(
            {key: tuple(each.shape) for key, each in tensors.items()},
            {key: each for key, each in named.items() if not _is_tensor(each)},
            [tuple(each.shape) for each in results],
            _dtype(tensors),
            self._name(tensors),
        )
        operation = self._linear(operator, tensors, given) or operation_of(operator, given)
        word = word_of(operator, given)
        if word in ("add", ADD) and any(each in self._parameters for each in tensors.values()):
            word = ADD_CONSTANT
        reads = tuple(self.value(each) for each in _tensors(list(named.values())) if each not in self._parameters)
        if word == NO_CHANGE:
            self._remember(operator, tensors, results)
        gives = tuple(self._give(each) for each in results)
        self.nodes.append(Node(word, reads, gives, operation))

    def _named(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
        names = [argument.name for argument in func._schema.arguments]
        return {**dict(zip(names, args, strict=False)), **kwargs}

    def _name(self, tensors: dict[str, Any]) -> str:
        """The parameter's, which TorchScript has too; the innermost module's where the weight is computed."""
        for tensor in tensors.values():
            weight = self._turned.get(tensor, tensor)
            name = self._parameters.get(weight)
            if name is not None and name.endswith("weight"):
                return str(name).rpartition(".")[0] or str(name)
        return self.stack[-1] if self.stack and self.stack[-1] else "model"

    def _remember(self, operator: str, tensors: dict[str, Any], results: Sequence[Any]) -> None:
        """What a view is of: PyTorch flattens the input of a linear layer, and turns its weight."""
        source = next(iter(tensors.values()), None)
        if source is None or not results:
            return
        if operator in ("t", "transpose") and source in self._parameters:
            self._turned[results[0]] = source
        elif operator in ("view", "_unsafe_view", "reshape") and source.shape[-1:] == results[0].shape[-1:]:
            self._shapes[results[0]] = self._shapes.get(source, tuple(source.shape))

    def _linear(self, operator: str, tensors: dict[str, Any], given: Given) -> Linear | None:
        """A matrix product with a parameter, as the layer that it is."""
        if operator not in _MATRIX_PRODUCTS:
            return None
        left, right = (tensors[key] for key in _MATRIX_PRODUCTS[operator])
        if right not in self._turned and right not in self._parameters:
            return None
        shape = self._shapes.get(left, tuple(left.shape))
        return Linear(
            name=given.name,
            input_shape=shape,
            out_features=int(right.shape[1]),
            bias=operator == "addmm",
            dtype=given.dtype,
        )


@contextmanager
def _module_names(model: Any, stack: list[str]) -> Iterator[None]:
    """Keep the names of the modules that are being called on ``stack``."""
    from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

    names = {id(module): name for name, module in model.named_modules()}

    def enter(module: Any, inputs: Any) -> None:
        stack.append(names.get(id(module), ""))

    def leave(module: Any, inputs: Any, result: Any) -> None:
        stack.pop()

    handles: list[Any] = [register_module_forward_pre_hook(enter), register_module_forward_hook(leave)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def _tensors(value: Any) -> Iterator[Any]:
    """All tensors within lists, tuples and dictionaries."""
    if _is_tensor(value):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _tensors(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)


def _dtype(tensors: dict[str, Any]) -> str:
    first = next(iter(tensors.values()), None)
    return "float32" if first is None else str(first.dtype).removeprefix(_DTYPE_PREFIX)
