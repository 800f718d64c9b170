"""Finding backends: files beside this one, entry points of installed packages, and ``--plugin``.

A backend that cannot be loaded is still listed, with the reason where its computation would have been: one broken
plugin must neither hide itself nor stop the others.
"""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Final, TypeVar

from pointwise_bench.backends._finding.declaration import Declaration, Loader, LoadingFailed
from pointwise_bench.backends._finding.importing import (
    entry_point,
    import_file,
    module_exists,
    no_such_module,
    place_of,
    prefer_version_of,
)
from pointwise_bench.backends._finding.sources import (
    ENTRY_POINT_GROUP,
    Source,
    UnknownPluginError,
    all_but_plugins,
    source_of_class,
    source_of_plugin,
)
from pointwise_bench.backends._finding.stand_ins import Elsewhere, Unloadable, stand_in
from pointwise_bench.backends.backend import Backend, faults_of_declaration

# What others know as names of this module, wherever it is written.
__all__ = [
    "ENTRY_POINT_GROUP",
    "Declaration",
    "Elsewhere",
    "Loader",
    "LoadingFailed",
    "Registry",
    "Source",
    "UnknownPluginError",
    "Unloadable",
    "module_exists",
    "no_such_module",
    "registry",
]

B = TypeVar("B", bound=type[Backend])


@dataclass
class _Entry:
    make: Callable[[], Backend]
    source: Source
    declaration: Declaration | None = None  # as it was registered; None for what could not be loaded
    instance: Backend | None = None

    @property
    def module(self) -> str | None:
        """Where the class is defined; None for what could not be loaded."""
        return None if self.declaration is None else self.declaration.module

    def made(self) -> Backend:
        """A new instance, which says of itself what was registered: a class can be changed afterwards."""
        instance = self.make()
        if self.declaration is not None:
            for word in ("name", "device", "output", "arithmetic"):
                object.__setattr__(instance, word, getattr(self.declaration, word))
        return instance


class Registry:
    """All known backends. One per process, made lazily: importing ``backends`` discovers nothing."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._discovered = False
        self._loading: Source | None = None
        self._load_elsewhere: Loader | None = None

    # --- what users ask -------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Names of all backends, loadable or not, in alphabetical order."""
        self._discover()
        return sorted(self._entries)

    def get(self, name: str) -> Backend:
        """The one instance of the backend called ``name``; ``LookupError`` naming the nearest otherwise."""
        entry = self._entry(name)
        if entry.instance is None:
            try:
                entry.instance = entry.made()
            except (Exception, SystemExit) as error:  # a plugin's __init__ may do anything too
                entry.instance = Unloadable(name, f"failed to construct: {type(error).__name__}: {error}")
        return entry.instance

    def source(self, name: str) -> Source:
        """Where the backend called ``name`` was found."""
        return self._entry(name).source

    def names_from(self, source: Source) -> list[str]:
        """Names of what ``source`` registered; one that stands for the source itself where it could not be loaded."""
        return [name for name, entry in self._entries.items() if entry.source == source]

    def unloadable(self, plugins: Sequence[str]) -> list[str]:
        """Names under which those of the ``--plugin`` arguments are listed that could not be loaded."""
        sources = [source_of_plugin(what) for what in plugins]
        return [name for name in self.names() if self._entries[name].module is None and self.source(name) in sources]

    def names_of_plugins(self, plugins: Sequence[str]) -> list[str]:
        """Names of all that the ``--plugin`` arguments brought, loadable or not."""
        sources = [source_of_plugin(what) for what in plugins]
        return [name for name in self.names() if self.source(name) in sources]

    def declared(self, source: Source) -> list[Declaration]:
        """What the classes of a loaded ``source`` declared. ``LoadingFailed`` where it could not be loaded."""
        found = []
        for name in self.names_from(source):
            declaration = self._entries[name].declaration
            if declaration is None:
                raise LoadingFailed(self.get(name).missing())
            found.append(declaration)
        return found

    def unknown(self, name: str) -> str:
        """A sentence for a name, or a pattern of names, that fits no backend."""
        nearest = difflib.get_close_matches(name, self.names(), n=3, cutoff=0.0)
        return f"no backend is called {name!r}; nearest: {', '.join(nearest)}"

    def add_plugin(self, what: str) -> None:
        """Load ``--plugin what``: a path ending in ``.py`` or a dotted module. ``UnknownPluginError`` if absent."""
        self._discover()  # first, so that a plugin cannot take a built-in's name
        source = source_of_plugin(what)
        if what.endswith(".py"):
            if not Path(source.location).is_file():
                raise UnknownPluginError(f"plugin {what!r}: no such file")
        elif self._load_elsewhere is None and not module_exists(what):
            raise UnknownPluginError(no_such_module(what))
        self.load(source)

    def load_elsewhere(self, loader: Loader | None) -> None:
        """From now on load only the built-in backends in this process, and all others by ``loader``.

        A plugin runs code when it is imported: it may crash, hang, start threads or change what it finds. What lists
        many backends and measures them must not be at the mercy of any.
        """
        self._load_elsewhere = loader

    # --- what plugins call ----------------------------------------------------------------------------------

    def register(self, cls: B) -> B:
        """Class decorator. ``ValueError`` for a class that breaks the contract or takes a name that is in use."""
        fault = faults_of_declaration(cls)
        if fault:
            raise ValueError(fault)
        declaration = Declaration.of(cls, _caller())
        if declaration.fault:  # read again, it is another one
            raise ValueError(declaration.fault)
        source = self._loading or source_of_class(cls)
        taken = self._entries.get(declaration.name)
        if taken and (taken.source != source or getattr(taken.make, "__qualname__", "") != cls.__qualname__):
            raise ValueError(_taken(declaration.name, taken.source))
        self._entries[declaration.name] = _Entry(cls, source, declaration)
        return cls

    # --- loading --------------------------------------------------------------------------------------------

    def load(self, source: Source) -> None:
        """Import one source and whatever it registers; a failure becomes an :class:`Unloadable` entry."""
        if self.names_from(source):
            return
        try:
            if self._load_elsewhere is not None and (source.kind != "built-in" or source.suffix):
                modules = self._declare(source, self._load_elsewhere(source))
            else:
                with self._attributing_to(source):
                    modules = {self._import(source)}
            # A module that is already loaded, as a plugin and by its entry point, registers nothing a second time.
            if not self.names_from(source) and all(entry.module not in modules for entry in self._entries.values()):
                raise LoadingFailed(
                    f"failed to load: {source.file}registers no backend: is the class decorated with @register?"
                )
        except UnknownPluginError:
            raise
        except LoadingFailed as error:
            self._list_unloadable(source, str(error))
        except (Exception, SystemExit) as error:  # a plugin may do anything at import, leaving included
            self._list_unloadable(source, f"failed to load: {type(error).__name__}: {error}{place_of(error, source)}")

    def _declare(self, source: Source, declarations: Sequence[Declaration]) -> set[str]:
        """List what was loaded in another process; the modules that it came from."""
        for declared in declarations:
            if fault := declared.fault:
                raise LoadingFailed(f"failed to load: ValueError: {fault}")
            taken = self._entries.get(declared.name)
            if taken is not None and taken.module != declared.module:
                where = f" ({declared.place})" if declared.place else ""
                raise LoadingFailed(f"failed to load: ValueError: {_taken(declared.name, taken.source)}{where}")
        for declared in declarations:
            self._entries.setdefault(declared.name, _Entry(stand_in(declared), source, declared))
        return {declared.module for declared in declarations}

    def _import(self, source: Source) -> str:
        """The name of the module that was imported."""
        prefer_version_of(source)
        if source.kind == "entry-point":
            loaded = entry_point(source.location).load()
            if isinstance(loaded, ModuleType):
                return loaded.__name__
            if getattr(loaded, "name", None) not in self._entries:
                self.register(loaded)
            return str(loaded.__module__)
        if source.location.endswith(".py"):
            return import_file(Path(source.location))
        return importlib.import_module(source.location).__name__

    def _list_unloadable(self, source: Source, error: str) -> None:
        """List the source itself, with the error; what it had registered before it failed goes: it is half loaded."""
        for name in self.names_from(source):
            del self._entries[name]
        name = source.default_name
        while name in self._entries:
            name += "-unloadable"
        self._entries[name] = _Entry(partial(Unloadable, name, error), source)

    def _discover(self) -> None:
        if self._discovered:
            return
        self._discovered = True
        for source in all_but_plugins():
            self.load(source)

    def _entry(self, name: str) -> _Entry:
        if name not in self._entries:
            self._discover()
        if name not in self._entries:
            raise LookupError(self.unknown(name))
        return self._entries[name]

    @contextmanager
    def _attributing_to(self, source: Source) -> Iterator[None]:
        outer, self._loading = self._loading, source
        try:
            yield
        finally:
            self._loading = outer


registry: Final = Registry()
"""The one of this process. Defined here, under this module's whole name, and not in the package: a checkout's folder
``backends`` may be imported by its bare name too, and must not bring a second one."""


def _caller() -> str:
    """``mine.py:12``: the line outside of this module that registers; empty where this module does it itself."""
    frame = sys._getframe(2)
    return "" if frame.f_code.co_filename == __file__ else f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"


def _taken(name: str, source: Source) -> str:
    return f"the name {name!r} is taken by the {source.kind} {source.location}"
