"""What a backend says of itself, which is all that is known of one that is loaded in another process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pointwise_bench.backends._finding.sources import Source
from pointwise_bench.backends.backend import Backend, fault_of_words


@dataclass(frozen=True)
class Declaration:
    """What a backend says of itself, as far as it must be known to list it."""

    name: str
    device: str
    output: str
    arithmetic: str
    module: str
    doc: str | None
    place: str = ""
    """File and line that registered it; empty where nobody can say."""

    @classmethod
    def of(cls, backend: type[Backend], place: str = "") -> Declaration:
        """As the class has it now; no instance is made, which would run a plugin's code."""
        name, device, output, arithmetic = (
            str.__str__(word) for word in (backend.name, backend.device, backend.output, backend.arithmetic)
        )
        doc = backend.__doc__
        return cls(name, device, output, arithmetic, backend.__module__, doc if type(doc) is str else None, place)

    @property
    def fault(self) -> str | None:
        """Why nothing can be listed under these words, which came from another process; None where it can."""
        if not all(isinstance(each, str) for each in (self.module, self.place, self.doc or "")):
            return "declares what is no text"
        return fault_of_words("the class", self.name, self.device, self.output, self.arithmetic)


class LoadingFailed(Exception):
    """A source could not be loaded, for the reason that it carries."""


Loader = Callable[[Source], Sequence[Declaration]]
"""Loads a source elsewhere and tells what it declares. :class:`LoadingFailed` where that fails, and
``UnknownPluginError`` where there is no such source."""
