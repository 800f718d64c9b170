"""Programs of ``torch.export``, written as the JSON that they are: the tests need no PyTorch."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Size = int | str


def call(target: str, gives: str, **arguments: Any) -> dict[str, Any]:
    """A call of an operator of PyTorch; tensors are texts, and everything else is itself."""
    inputs = [{"name": name, "arg": _argument(value), "kind": 1} for name, value in arguments.items()]
    return {
        "target": f"torch.ops.aten.{target}.default",
        "inputs": inputs,
        "outputs": [{"as_tensor": {"name": gives}}],
        "metadata": {"nn_module_stack": f"L__self__,,Net;L__self___{gives},{gives}_module,Any"},
        "name": gives,
    }


def _argument(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"as_tensor": {"name": value}}
    if value is None:
        return {"as_none": True}
    kinds: list[tuple[type, str]] = [(bool, "as_bool"), (int, "as_int"), (float, "as_float"), (list, "as_ints")]
    return {next(name for kind, name in kinds if isinstance(value, kind)): value}


def program(
    calls: Sequence[dict[str, Any]],
    shapes: Mapping[str, Sequence[Size]],
    parameters: Mapping[str, str],
    results: Sequence[str],
) -> dict[str, Any]:
    """The content of ``model.json``; whatever has a shape, is no parameter and is not computed is an input."""
    computed = {output["as_tensor"]["name"] for each in calls for output in each["outputs"]}
    specs: list[dict[str, Any]] = [
        {"parameter": {"arg": {"name": name}, "parameter_name": full}} for name, full in parameters.items()
    ]
    specs += [
        {"user_input": {"arg": {"as_tensor": {"name": name}}}}
        for name in shapes
        if name not in parameters and name not in computed
    ]
    graph = {
        "nodes": list(calls),
        "outputs": [{"as_tensor": {"name": name}} for name in results],
        "tensor_values": {
            name: {"dtype": 7, "sizes": [_size(size) for size in shape]} for name, shape in shapes.items()
        },
    }
    return {"graph_module": {"graph": graph, "signature": {"input_specs": specs}}, "torch_version": "2.13"}


def _size(size: Size) -> dict[str, Any]:
    return {"as_int": size} if isinstance(size, int) else {"as_expr": {"expr_str": size}}


def save(path: Path, content: dict[str, Any]) -> None:
    """The archive around it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m/archive_format", "pt2")
        archive.writestr("m/models/model.json", json.dumps(content))
