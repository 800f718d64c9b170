"""A pytest plugin (``-p wordy_checkpoint``) that makes the lines of a checkpoint long, for a disk that is soon full."""

from __future__ import annotations

from typing import Any


def pytest_configure() -> None:
    """Spaces behind every line that is appended to it: JSON ignores them."""
    from pointwise_bench.suites.harness.record import checkpoint, json_lines

    def wordy(path: Any, lines: Any) -> list[int]:
        return json_lines.append_lines(path, [line | {"padding": "x" * 10_000} for line in lines])

    checkpoint.append_lines = wordy  # type: ignore[attr-defined]  # that is what the plugin is for
