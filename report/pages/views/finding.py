"""All views of a run: every module beside this one with a ``TITLE`` and a ``view``. Adding one touches nothing else."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
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


def views_of(found: RunAnalysis, colours: Mapping[str, Look], prefix: str, home: str) -> list[View]:
    """In the order of their modules' names; ``home`` is the run's page, ``prefix`` what its files' names begin with.

    A view is ``view(found, colours)``: what fills its template, or None where the run holds nothing for it. Files that
    are to stand ``beside`` its page are under that key, and get the ``prefix`` that the template knows, too.
    """
    run = found.run
    shared: dict[str, Any] = {"home": home, "machine": run.machine, "started_at": run.started_at or run.name}
    shared["prefix"] = prefix
    there = []
    for name in sorted(module.name for module in pkgutil.iter_modules(views.__path__)):
        module = import_module(f"{views.__name__}.{name}")
        values = module.view(found, colours) if hasattr(module, "view") else None
        if values is not None:
            slug = name.replace("_", "-")
            beside = tuple(replace(file, name=f"{prefix}{file.name}") for file in values.pop("beside", ()))
            there.append(View(module.TITLE, Page(f"{prefix}{slug}.html", f"{name}.html", shared | values, beside)))
    return there
