"""All views of a run: every module beside this one with a ``TITLE`` and a ``view``. Adding one touches nothing else."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pointwise_bench.report.pages import views
from pointwise_bench.report.pages.rendering import Page

if TYPE_CHECKING:
    from pointwise_bench.report.pages.run_analysis import RunAnalysis
    from pointwise_bench.report.plots.style import Look


@dataclass(frozen=True)
class View:
    """A page behind that of a run, and what the link to it says."""

    title: str
    page: Page

    def written(self, folder: Path) -> View:
        """What is still asked of it when it is on disk: its contents would fill the memory."""
        self.page.write(folder)
        return replace(self, page=replace(self.page, values={}, beside=()))


def views_there() -> list[ModuleType]:
    """In the order of their names."""
    names = sorted(module.name for module in pkgutil.iter_modules(views.__path__))
    modules = [import_module(f"{views.__name__}.{name}") for name in names]
    return [module for module in modules if hasattr(module, "view")]


def view_of(module: ModuleType, found: RunAnalysis, colours: Mapping[str, Look], prefix: str, home: str) -> View | None:
    """Nothing where the run holds nothing for it.

    ``home`` is the run's page, ``prefix`` what its files' names begin with. A view is ``view(found, colours)``: what
    fills its template, or None. Files that are to stand ``beside`` its page are under that key, and get the ``prefix``
    that the template knows, too.
    """
    values = module.view(found, colours)
    if values is None:
        return None
    run, name = found.run, module.__name__.rpartition(".")[2]
    shared: dict[str, Any] = {"home": home, "machine": run.machine, "started_at": run.started_at or run.name}
    shared["prefix"] = prefix
    beside = tuple(replace(file, name=f"{prefix}{file.name}") for file in values.pop("beside", ()))
    page = Page(f"{prefix}{name.replace('_', '-')}.html", f"{name}.html", shared | values, beside)
    return View(module.TITLE, page)
