"""The command lines that a page names: what measures a number of it again, or what is missing."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from pointwise_bench.report.reading.run import Run
from pointwise_bench.report.reading.value_readers import Defect, plain

_HOT: Final = "hot"


def measure(
    options: Mapping[str, Any],
    shapes: Iterable[str],
    threads: int,
    backends: Iterable[str] = (),
    *,
    seeded: bool = False,
    time_budget: str = "",
) -> str:
    """What measures ``shapes`` as a run with these ``options`` did; ``seeded``: with its order of turns, too.

    ``time_budget``: within one, which that run's is not.

    All words are quoted for a shell: names are those of a file that may be a stranger's.
    """
    words = ["pointwise-bench", "run"]
    for option, values in (("--plugin", _listed(options, "plugins")), ("--shapes", shapes), ("--backend", backends)):
        for value in values:
            words += [option, str(value)]
    words += ["--threads", str(threads)]
    cache = options.get("cache", _HOT)
    if isinstance(cache, str) and cache != _HOT:
        words += ["--cache", cache]
    if seeded and isinstance(options.get("seed"), int):
        words += ["--seed", str(options["seed"])]
    if time_budget:
        words += ["--time-budget", time_budget]
    return " ".join(map(_quoted, words))


@lru_cache(maxsize=2**14)
def _quoted(word: str) -> str:
    """For a shell; the commands of a page are made of few words."""
    return shlex.quote(word)


def options_of(run: Run) -> dict[str, Any]:
    """What the run was started with; nothing where that cannot be read, as it decides no number.

    Read once for a run: a page has a command for every cell.
    """
    try:
        options = plain(run.settings.get("options"))
    except Defect:
        return {}
    return options if isinstance(options, dict) else {}


def _listed(options: Mapping[str, Any], key: str) -> list[Any]:
    found = options.get(key)
    return found if isinstance(found, list) else []
