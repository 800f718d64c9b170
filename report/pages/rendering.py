"""The templates of the page and its companions, with the filters that they use."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from pointwise_bench.common.status import OK
from pointwise_bench.report.analysis.wording import duration, threads_of, times
from pointwise_bench.report.claims.claim_tables import MEASURES
from pointwise_bench.report.pages.layer_table import IN_PROCESS_MARK, REUSED_MARK


def render(template: str, **values: object) -> str:
    """The text of ``template``, a file of the folder ``templates``, with ``values``."""
    return _templates().get_template(template).render(**values)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"REUSED": REUSED_MARK, "IN_PROCESS": IN_PROCESS_MARK, "MEASURES": MEASURES, "OK": OK}
    environment.filters |= {"markdown": _markdown, "threads": threads_of, "times": times, "duration": duration}
    return environment


def _markdown(text: object) -> str:
    """Text safe inside a cell of a Markdown table: no column, line or tag of its own."""
    plain = " ".join(str(text).split())
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
