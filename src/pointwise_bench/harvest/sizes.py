"""Sizes that a program leaves open, as expressions over names: ``2*s0``, or ``Mul(Integer(2), Symbol('s0'))``."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from math import prod
from typing import Final

_SYMBOL: Final = re.compile(r"(\w+)|Symbol\('(\w+)'(?:, \w+=\w+)*\)")
_LONGEST: Final = 2000
_LARGEST: Final = 1 << 40
_BINARY: Final[dict[type[ast.operator], Callable[[int, int], int]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Div: operator.floordiv,  # SymPy's, of numbers that come out even
    ast.Mod: operator.mod,
}
_CALLED: Final[dict[str, Callable[..., int]]] = {
    "Integer": int,
    "Add": lambda *each: sum(each),
    "Mul": lambda *each: prod(each),
    "Pow": lambda one, other: one**2 if other == 2 else _none(),
    "FloorDiv": operator.floordiv,
    "CleanDiv": operator.floordiv,
    "floor": int,
    "Mod": operator.mod,
    "PythonMod": operator.mod,
    "CeilDiv": lambda one, other: -(-one // other),
    "Max": max,
    "Min": min,
}


def _none() -> int:
    raise ValueError("a power that no size has")


def symbol_of(expression: str) -> str | None:
    """The name, where the expression is nothing else."""
    match = _SYMBOL.fullmatch(expression)
    return None if match is None else match[1] or match[2]


def size_of(expression: str, names: Mapping[str, int]) -> int | None:
    """The size; None where a name is not known or the expression is none of ours."""
    if len(expression) > _LONGEST:
        return None
    try:
        return _value(ast.parse(expression, mode="eval").body, names)
    except (ValueError, SyntaxError, LookupError, TypeError, ZeroDivisionError, RecursionError, MemoryError):
        return None


def _value(node: ast.expr, names: Mapping[str, int]) -> int:
    found: int
    match node:
        case ast.Constant(value=int(found)):
            pass
        case ast.Name(id=name):
            found = names[name]
        case ast.Call(func=ast.Name(id="Symbol"), args=[ast.Constant(value=str(name))]):
            found = names[name]
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            found = -_value(inner, names)
        case ast.BinOp(left=left, op=kind, right=right) if type(kind) in _BINARY:
            found = _BINARY[type(kind)](_value(left, names), _value(right, names))
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=2)):
            found = _value(left, names) ** 2
        case ast.Call(func=ast.Name(id=name), args=arguments):
            found = _CALLED[name](*(_value(each, names) for each in arguments))
        case _:
            raise ValueError("not an expression of sizes")
    if abs(found) > _LARGEST:
        raise ValueError("out of reach")
    return found
