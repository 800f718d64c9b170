"""Text of any origin, made safe to print and to keep."""

from __future__ import annotations

from typing import Final

LONGEST_REASON: Final = 400  # characters: a compiler's message can have thousands


def one_line(text: str, longest: int = LONGEST_REASON) -> str:
    """``text`` on one line that can be printed anywhere: no line breaks, no control characters, no half characters."""
    whole = text.encode(errors="replace").decode()
    printable = whole if whole.isprintable() else "".join(char if char.isprintable() else " " for char in whole)
    line = " ".join(printable.split())
    return line if len(line) <= longest else f"{line[: longest - 3]}..."
