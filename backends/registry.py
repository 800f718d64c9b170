"""Finding backends: files beside this one, entry points of installed packages, and ``--plugin``.

A backend that cannot be loaded is still listed, with the reason where its computation would have been: one broken
plugin must neither hide itself nor stop the others.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final, Literal, NoReturn, TypeVar

from pointwise_bench.backends.backend import LONGEST_NAME, Backend, fault_of_words, faults_of_declaration
from pointwise_bench.backends.problem import Problem

if TYPE_CHECKING:
    from pointwise_bench.backends.backend import Array

ENTRY_POINT_GROUP = "pointwise_bench.backends"

B = TypeVar("B", bound=type[Backend])


@dataclass(frozen=True)
class Source:
    """Where a backend comes from, precisely enough for another process to load it and nothing else."""

    kind: Literal["built-in", "entry-point", "plugin"]
    location: str
    """Module of a built-in, name of an entry point, or the absolute path or module that ``--plugin`` named."""

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


class Elsewhere(Backend):
    """Stands in for a plugin that is loaded in the processes which run it, and never in this one."""

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> NoReturn:
        """Never reached: what asks a backend to compute has loaded it."""
        raise RuntimeError(f"{self.name} is not loaded in this process")


class Unloadable(Backend):
    """Stands in for a plugin that failed to load, so that it is listed and reported like any other."""

    def __init__(self, name: str, error: str) -> None:
        self.name = name  # type: ignore[misc]  # a ClassVar everywhere but here, where no class could be loaded
        self._error = error

    def missing(self) -> str:
        """The error that loading raised."""
        return self._error

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> NoReturn:
        """Never reached: a backend that says what it is missing is not asked to compute."""
        raise RuntimeError(self._error)


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
        sources = [_source_of_plugin(what) for what in plugins]
        return [name for name in self.names() if self._entries[name].module is None and self.source(name) in sources]

    def names_of_plugins(self, plugins: Sequence[str]) -> list[str]:
        """Names of all that the ``--plugin`` arguments brought, loadable or not."""
        sources = [_source_of_plugin(what) for what in plugins]
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
        source = _source_of_plugin(what)
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
        source = self._loading or _source_of_class(cls)
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
            if self._load_elsewhere is not None and source.kind != "built-in":
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
            self._list_unloadable(source, f"failed to load: {type(error).__name__}: {error}{_place(error, source)}")

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
            self._entries.setdefault(declared.name, _Entry(_stand_in(declared), source, declared))
        return {declared.module for declared in declarations}

    def _import(self, source: Source) -> str:
        """The name of the module that was imported."""
        if source.kind == "entry-point":
            loaded = _entry_point(source.location).load()
            if isinstance(loaded, ModuleType):
                return loaded.__name__
            if getattr(loaded, "name", None) not in self._entries:
                self.register(loaded)
            return str(loaded.__module__)
        if source.location.endswith(".py"):
            return _import_file(Path(source.location))
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
        for source in _built_in_sources():
            self.load(source)
        for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda p: p.name):
            self.load(Source("entry-point", point.name))

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


def _built_in_sources() -> Iterator[Source]:
    """Every module of this package but those that carry it: dropping a file in is all it takes to be found."""
    package = sys.modules[__package__]
    infrastructure = {"problem", "backend", "registry", "__main__"}
    for module in pkgutil.iter_modules(package.__path__):
        if module.name not in infrastructure and not module.name.startswith("_"):
            yield Source("built-in", f"{package.__name__}.{module.name}")


def _entry_point(name: str) -> EntryPoint:
    """The one entry point of this name. ``ValueError`` where two distributions offer it, as either could be meant."""
    points = [point for point in entry_points(group=ENTRY_POINT_GROUP) if point.name == name]
    if len(points) > 1:
        offering = sorted(f"{point.dist.name} {point.dist.version}" for point in points if point.dist)
        raise ValueError(f"the entry point {name!r} is offered by {' and by '.join(offering)}: uninstall all but one")
    return points[0]


def _place(error: BaseException, source: Source) -> str:
    """`` (mine.py:12)``: where in the plugin's own file the exception passed last; a SyntaxError says so itself."""
    place, trace = "", error.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if path == source.location or trace.tb_frame.f_globals.get("__name__") == source.location:
            place = f" ({Path(path).name}:{trace.tb_lineno})"
        trace = trace.tb_next
    return "" if isinstance(error, SyntaxError) else place


def _caller() -> str:
    """``mine.py:12``: the line outside of this module that registers; empty where this module does it itself."""
    frame = sys._getframe(2)
    return "" if frame.f_code.co_filename == __file__ else f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"


def _stand_in(declared: Declaration) -> type[Backend]:
    body = {"name": declared.name, "device": declared.device, "output": declared.output, "__doc__": declared.doc}
    body |= {"arithmetic": declared.arithmetic}
    return type(Elsewhere.__name__, (Elsewhere,), body)


def _source_of_plugin(what: str) -> Source:
    return Source("plugin", str(Path(what).resolve()) if what.endswith(".py") else what)


def _taken(name: str, source: Source) -> str:
    return f"the name {name!r} is taken by the {source.kind} {source.location}"


def _source_of_class(cls: type[Backend]) -> Source:
    """The source of a class registered outside of discovery, by importing its module directly."""
    if cls.__module__.startswith(f"{__package__}."):
        return Source("built-in", cls.__module__)
    return Source("plugin", getattr(sys.modules.get(cls.__module__), "__file__", None) or cls.__module__)


def no_such_module(what: str) -> str:
    """A sentence for a ``--plugin`` that is neither a file nor a module."""
    return f"plugin {what!r}: no such module (a file must end in .py)"


def module_exists(dotted: str) -> bool:
    """Whether there is such a module. One whose package fails to import is there, and is listed with its error."""
    if not all(part.isidentifier() for part in dotted.split(".")):
        return False
    try:
        return importlib.util.find_spec(dotted) is not None
    except ModuleNotFoundError as error:
        return not f"{dotted}.".startswith(f"{error.name}.")
    except (Exception, SystemExit):
        return True


def _import_file(path: Path) -> str:
    """Import a file under a module name of its own, so that two plugins called ``mine.py`` can live side by side."""
    name = f"pointwise_bench_plugin_{path.stem}_{blake2b(str(path).encode(), digest_size=4).hexdigest()}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return name
