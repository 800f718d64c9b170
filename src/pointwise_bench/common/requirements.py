"""What must be installed for anything to be measured or reported, and what to say where it is not."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

DEPENDENCIES: Final = (
    *("numpy", "ml_dtypes", "pytest", "pytest_benchmark", "hypothesis", "pandas", "matplotlib", "jinja2"),
    *("psutil", "threadpoolctl", "numba", "packaging"),
)
"""The dependencies of pyproject.toml, under the names by which they are imported; pip takes these names too."""


class NotInstalled(ModuleNotFoundError):
    """Something required is not there; its message is the sentence of :func:`first_missing`."""


def require_all() -> None:
    """``NotInstalled`` where something is missing: before pytest is, which names a plugin and no remedy."""
    if (sentence := first_missing()) is not None:
        raise NotInstalled(sentence)


def first_missing() -> str | None:
    """A sentence with the command that installs what is not there; None where all is."""
    absent = [name for name in DEPENDENCIES if not _is_there(name)]
    return _remedy(absent) if absent else None


def remedy_of(error: ModuleNotFoundError) -> str | None:
    """The same for what an import has not found; None where that is none of the dependencies."""
    if isinstance(error, NotInstalled):
        return str(error)
    name = (error.name or "").partition(".")[0]
    return _remedy([name]) if name in DEPENDENCIES else None


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):  # half installed, or something else in its place
        return False


def _remedy(names: list[str]) -> str:
    return f"{' and '.join(names)} {'are' if len(names) > 1 else 'is'} not installed: pip install {' '.join(names)}"
