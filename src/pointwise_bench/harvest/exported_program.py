"""Programs that ``torch.export`` has saved (``.pt2``): the JSON of their graph is read, without PyTorch or pickle."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pointwise_bench.harvest.archive import member, members
from pointwise_bench.harvest.dataflow import ADD, ADD_CONSTANT, Node, with_what_follows
from pointwise_bench.harvest.operations import HarvestedModel, HarvestError
from pointwise_bench.harvest.sizes import size_of, symbol_of
from pointwise_bench.harvest.torch_models.aten import Given, Shape, operation_of, word_of

_PROGRAMS: Final = ("models/", "serialized_exported_program.json")
"""Where the graph is: a file ``NAME.json`` below ``models/``, or, before PyTorch 2.8, one file."""
_LARGEST: Final = 1 << 40
"""Of a size."""
_DTYPES: Final = {
    1: "uint8",
    2: "int8",
    4: "int32",
    5: "int64",
    6: "float16",
    7: "float32",
    8: "float64",
    13: "bfloat16",
}
_NO_ARGUMENT: Final = ("as_none",)


def program_of(path: Path) -> str | None:
    """The name of the member that holds the graph; None where the file is none of these."""
    for name in members(path):
        if name.endswith(_PROGRAMS[1]) or (f"/{_PROGRAMS[0]}" in f"/{name}" and name.endswith(".json")):
            return name
    return None


def from_file(path: Path, title: str, dims: Mapping[str, int]) -> HarvestedModel:
    """The operations of the program; ``dims`` are sizes that it leaves open. Raises ``HarvestError``."""
    name = program_of(path)
    if name is None:
        raise HarvestError(f"{title}: is no program of torch.export, or a damaged one")
    text = member(path, name)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise HarvestError(f"{title}: is damaged: its graph is not valid JSON") from None
    try:
        return _Program(content, title, dims).model()
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, HarvestError):
            raise
        raise HarvestError(f"{title}: is damaged, or of a version that is not known: {error!r}") from None


class _Program:
    """The graph of one program."""

    def __init__(self, content: dict[str, Any], title: str, dims: Mapping[str, int]) -> None:
        module = content["graph_module"]
        self._title, self._graph, self._version = title, module["graph"], content.get("torch_version", "")
        self._names = dict(dims)
        self._parameters = dict(_parameters(module["signature"]["input_specs"]))
        self._inputs = [
            spec["user_input"]["arg"]["as_tensor"]["name"]
            for spec in module["signature"]["input_specs"]
            if "as_tensor" in spec.get("user_input", {}).get("arg", {})
        ]
        self._take_dims(dims)

    def model(self) -> HarvestedModel:
        nodes = [self._node(node) for node in self._graph["nodes"]]
        results = [each["name"] for output in self._graph["outputs"] for each in _tensors(output)]
        sizes = ", ".join("x".join(map(str, self._shape(name))) for name in self._inputs)
        return HarvestedModel(self._title, f"input {sizes}" if sizes else "", with_what_follows(nodes, results))

    def _take_dims(self, dims: Mapping[str, int]) -> None:
        """Give the program's symbols the sizes that were asked for as ``INPUT.AXIS``; name all that are missing."""
        missing: list[str] = []
        for name in self._inputs:
            for axis, size in enumerate(self._graph["tensor_values"][name]["sizes"]):
                text, place = str(size.get("as_expr", {}).get("expr_str", "")), f"{name}.{axis}"
                symbol = symbol_of(text)
                if symbol and place in dims:
                    self._names[symbol] = dims[place]
                elif symbol and symbol not in self._names:
                    missing.append(f"--dim {place}=SIZE")
                    self._names[symbol] = 1  # asked for once
        if missing:
            raise HarvestError(f"{self._title}: sizes of its inputs are left open: give {' '.join(missing)}")

    def _shape(self, name: str) -> Shape:
        sizes = [self._size(size) for size in self._graph["tensor_values"][name]["sizes"]]
        if not all(0 <= size <= _LARGEST for size in sizes):
            raise ValueError("a size that no tensor has")
        return tuple(sizes)

    def _size(self, size: Mapping[str, Any]) -> int:
        if "as_int" in size:
            return int(size["as_int"])
        text = str(size["as_expr"]["expr_str"])
        found = size_of(text, self._names)
        if found is None:
            raise HarvestError(f"{self._title}: the size {text} depends on the input's values")
        return found

    def _node(self, node: Mapping[str, Any]) -> Node:
        operator = str(node["target"]).removeprefix("torch.ops.").split(".")
        plain = operator[1] if len(operator) > 1 and operator[0] == "aten" else node["target"]
        tensors = {each["name"]: found for each in node["inputs"] for found in _tensors(each["arg"])}
        gives = tuple(each["name"] for output in node["outputs"] for each in _tensors(output))
        given = Given(
            {key: self._shape(each["name"]) for key, each in tensors.items()},
            {each["name"]: _plain(each["arg"]) for each in node["inputs"]},
            [self._shape(name) for name in gives],
            self._dtype(tensors),
            self._name(node, tensors),
        )
        word = word_of(plain, given)
        all_read = [found["name"] for each in node["inputs"] for found in _tensors(each["arg"])]
        if word in ("add", ADD) and any(name in self._parameters for name in all_read):
            word = ADD_CONSTANT
        reads = tuple(name for name in all_read if name not in self._parameters)
        return Node(word, reads, gives, operation_of(plain, given))

    def _dtype(self, tensors: Mapping[str, Mapping[str, str]]) -> str:
        first = next(iter(tensors.values()), None)
        code = 7 if first is None else self._graph["tensor_values"][first["name"]]["dtype"]
        return _DTYPES.get(code, f"type {code}")

    def _name(self, node: Mapping[str, Any], tensors: Mapping[str, Mapping[str, str]]) -> str:
        """The weight's, or that of the innermost module."""
        weight = self._parameters.get(tensors["weight"]["name"]) if "weight" in tensors else None
        if weight and weight.endswith("weight"):
            return weight.rpartition(".")[0] or weight
        modules = str(node.get("metadata", {}).get("nn_module_stack", "")).split(";")
        parts = modules[-1].split(",")
        return (parts[1] if len(parts) > 1 else "") or str(node.get("name", "model"))


def _parameters(specs: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for spec in specs:
        for kind in ("parameter", "buffer", "tensor_constant"):
            if kind in spec:
                yield spec[kind]["arg"]["name"], str(spec[kind].get(f"{kind}_name", ""))


def _tensors(argument: Mapping[str, Any]) -> Iterator[Mapping[str, str]]:
    """The tensors of an argument, each by its ``name``."""
    for kind, content in argument.items():
        if kind == "as_tensor":
            yield content
        elif kind == "as_tensors":
            yield from content
        elif kind == "as_optional_tensor":
            yield from _tensors(content)
        elif kind == "as_optional_tensors":
            for each in content:
                yield from _tensors(each)


def _plain(argument: Mapping[str, Any]) -> object:
    """A number, a text or a list of numbers."""
    for kind, content in argument.items():
        if kind in _NO_ARGUMENT:
            return None
        if kind == "as_sym_ints":
            return tuple(each.get("as_int") for each in content)
        if kind == "as_sym_int":
            return content.get("as_int")
        return tuple(content) if isinstance(content, list) else content
    return None
