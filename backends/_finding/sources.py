"""Where a backend comes from: a module of ours, an entry point, or what ``--plugin`` named."""

from __future__ import annotations

import pkgutil
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pointwise_bench.backends.backend import LONGEST_NAME, Backend

ENTRY_POINT_GROUP: Final = "pointwise_bench.backends"
PACKAGE: Final = "pointwise_bench.backends"
INFRASTRUCTURE: Final = {"problem", "backend", "registry", "__main__"}  # modules of it that are no backends


@dataclass(frozen=True)
class Source:
    """Where a backend comes from, precisely enough for another process to load it and nothing else."""

    kind: Literal["built-in", "entry-point", "plugin"]
    location: str
    """Module of a built-in, name of an entry point, or the absolute path or module that ``--plugin`` named."""
    code: str = ""
    """The folder that another version's modules are imported from; empty for the version that is here."""
    python: str = ""
    """The interpreter of that version's own environment; empty where the one that runs here serves it."""
    suffix: str = ""
    """What that version's names are given at their end: they would be those of the version that is here."""

    @property
    def file(self) -> str:
        """``mine.py: `` where it is a file; nothing else would help to find it."""
        return f"{Path(self.location).name}: " if self.location.endswith(".py") else ""

    @property
    def default_name(self) -> str:
        """The name under which a source that never got to register anything is listed."""
        stem = Path(self.location).stem if self.location.endswith(".py") else self.location.rpartition(".")[2]
        # A file may be called anything; what it is listed under goes by the rule for names.
        return "-".join(re.findall("[a-z0-9]+", stem.lower()))[:LONGEST_NAME].strip("-") or "plugin"


class UnknownPluginError(LookupError):
    """``--plugin`` names nothing that exists: a mistake of the command line, not of a plugin's author."""


def all_but_plugins() -> Iterator[Source]:
    """Every module of ``backends`` but those that carry it, and every entry point.

    Dropping a file in is all it takes to be found.
    """
    # A worker loads one source, and importing this takes a third of what NumPy takes.
    from importlib.metadata import entry_points

    for module in pkgutil.iter_modules(sys.modules[PACKAGE].__path__):
        if module.name not in INFRASTRUCTURE and not module.name.startswith("_"):
            yield Source("built-in", f"{PACKAGE}.{module.name}")
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda p: p.name):
        yield Source("entry-point", point.name)


def source_of_plugin(what: str) -> Source:
    """The source that ``--plugin what`` names."""
    return Source("plugin", str(Path(what).resolve()) if what.endswith(".py") else what)


def source_of_class(cls: type[Backend]) -> Source:
    """The source of a class registered outside of discovery, by importing its module directly."""
    if cls.__module__.startswith(f"{PACKAGE}."):
        return Source("built-in", cls.__module__)
    return Source("plugin", getattr(sys.modules.get(cls.__module__), "__file__", None) or cls.__module__)
