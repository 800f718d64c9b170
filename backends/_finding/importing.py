"""Importing the module of a source, and saying where in it that failed."""

from __future__ import annotations

import importlib.util
import sys
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from pointwise_bench.backends._finding.sources import ENTRY_POINT_GROUP, PACKAGE, Source

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


def entry_point(name: str) -> EntryPoint:
    """The one entry point of this name. ``ValueError`` where two distributions offer it, as either could be meant."""
    from importlib.metadata import entry_points

    points = [point for point in entry_points(group=ENTRY_POINT_GROUP) if point.name == name]
    if len(points) > 1:
        offering = sorted(f"{point.dist.name} {point.dist.version}" for point in points if point.dist)
        raise ValueError(f"the entry point {name!r} is offered by {' and by '.join(offering)}: uninstall all but one")
    return points[0]


def prefer_version_of(source: Source) -> None:
    """Have this process import the modules of another version, where ``source`` is one's; it serves nothing else.

    Of ours only contestants and what they share are the other version's: the contract is loaded by now, and is that of
    the version that measures, as for a plugin. Two contracts could not be asked by one harness.
    """
    if source.code and source.kind == "built-in":
        sys.modules[PACKAGE].__path__ = [source.code]
    elif source.code:
        sys.path.insert(0, source.code)


def place_of(error: BaseException, source: Source) -> str:
    """`` (mine.py:12)``: where in the plugin's own file the exception passed last; a SyntaxError says so itself."""
    place, trace = "", error.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if path == source.location or trace.tb_frame.f_globals.get("__name__") == source.location:
            place = f" ({Path(path).name}:{trace.tb_lineno})"
        trace = trace.tb_next
    return "" if isinstance(error, SyntaxError) else place


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


def import_file(path: Path) -> str:
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
