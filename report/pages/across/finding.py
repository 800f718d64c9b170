"""All pages over several runs: every module beside this one with a ``TITLE`` and an ``over``."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from pointwise_bench.report.pages import across
from pointwise_bench.report.pages.rendering import Page
from pointwise_bench.report.pages.views.finding import View

if TYPE_CHECKING:
    from pointwise_bench.report.analysis.overall.recorded import Recorded
    from pointwise_bench.report.plots.style import Look


def pages_across(runs: Sequence[Recorded], colours: Mapping[str, Look], home: str) -> list[View]:
    """In the order of their modules' names; ``home`` is the page that leads to them.

    Such a page is ``over(runs, colours)``: what fills its template, or None where the runs hold nothing for it. Files
    that are to stand ``beside`` it are under that key.
    """
    there = []
    for name in sorted(module.name for module in pkgutil.iter_modules(across.__path__)):
        module = import_module(f"{across.__name__}.{name}")
        values = module.over(runs, colours) if hasattr(module, "over") else None
        if values is not None:
            beside = tuple(values.pop("beside", ()))
            there.append(View(module.TITLE, Page(f"{name}.html", f"{name}.html", {"home": home} | values, beside)))
    return there
