"""Which constants of a group of the policy have no reason beside them."""

from __future__ import annotations

import ast


def without_reason(source: ast.Module, *, but: str | None = None) -> list[str]:
    """Fields that no text of four words or more follows, in all classes of a module but the one named."""
    return [
        f"{group.name}: {ast.unparse(field)}"
        for group in source.body
        if isinstance(group, ast.ClassDef) and group.name != but
        for field, after in zip(group.body, [*group.body[1:], None], strict=True)
        if isinstance(field, ast.AnnAssign) and not _is_text(after)
    ]


def _is_text(statement: ast.stmt | None) -> bool:
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Constant):
        return False
    return isinstance(statement.value.value, str) and len(statement.value.value.split()) >= 4
