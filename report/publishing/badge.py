"""A badge for a README: a network, and who is fastest on it, as a small SVG; and the line that shows it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from pointwise_bench.report.analysis.wording import joined, times

if TYPE_CHECKING:
    from pointwise_bench.report.analysis.groups import ReportGroup

_HEIGHT: Final = 20
_SIZE: Final = 11  # of the text, in pixels
_LETTER: Final = 7.0  # the width of a letter of Verdana at that size, and more than that of the others
_PAD: Final = 7
_LEFT, _SURE, _UNSURE, _NONE = "#444b52", "#0b6b3a", "#7a5600", "#5c636b"
"""Grounds on which white letters are read."""
_MOST_NAMES: Final = 2
_LONGEST: Final = 80


def badge(group: ReportGroup) -> str:
    """The SVG; its title says the same in words."""
    network, verdict = _cut(f"{group.name}, {group.threads} threads"), _cut(verdict_of(group))
    colour = _NONE if not group.leaders or not group.is_whole else _UNSURE if group.undecided else _SURE
    left, right = (round(len(text) * _LETTER) + 2 * _PAD for text in (network, verdict))
    title = escape(f"{network}: {verdict}")
    texts = "".join(
        f'<text x="{x + width / 2:g}" y="14" textLength="{width - 2 * _PAD}">{escape(text)}</text>'
        for x, width, text in ((0, left, network), (left, right, verdict))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{_HEIGHT}" role="img" '
        f'aria-label="{title}"><title>{title}</title>'
        f'<rect width="{left}" height="{_HEIGHT}" fill="{_LEFT}"/>'
        f'<rect x="{left}" width="{right}" height="{_HEIGHT}" fill="{colour}"/>'
        f'<g fill="#ffffff" text-anchor="middle" font-family="Verdana, DejaVu Sans, Geneva, sans-serif" '
        f'font-size="{_SIZE}">{texts}</g></svg>\n'
    )


def verdict_of(group: ReportGroup) -> str:
    """Who is fastest, and how far ahead of the next, as short as it is true."""
    if not group.is_whole:
        return f"{group.covered} of {len(group.layers)} layers"
    if not group.leaders:
        return "no verdict"
    names = [one.backend for one in group.leaders]
    named = names if len(names) <= _MOST_NAMES else [*names[:_MOST_NAMES], f"{len(names) - _MOST_NAMES} more"]
    said = " = ".join(named)
    if group.undecided:
        return f"perhaps {said}"
    slower = group.next_slower
    return f"{said} {times(slower.behind.ratio)} ahead" if slower is not None and slower.behind else said


def embed(name: str, picture: str, page: str) -> str:
    """The one line of Markdown that shows a badge and leads to its run."""
    label = joined(name.split("|")).translate({ord(char): " " for char in "[]<>()`\\"})
    return f"[![{label}]({quote(picture, safe='/:.-_')})]({quote(page, safe='/:.-_')})"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
