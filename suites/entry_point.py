"""What pytest loads in every environment where pointwise-bench is installed: an entry point that imports little.

Options such as ``--backend`` or ``--timeout`` would collide with those of other people's tests and plugins. So they are
added only where the session's arguments (or, without any, the ``testpaths`` of its configuration) name a folder of
suites: that of a checkout, that of an installed wheel, or ``--pyargs pointwise_bench.suites``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from pointwise_bench.common.requirements import first_missing

OURS = ("pytest_plugin.py", "shapes/basics.toml")  # what a folder of suites holds and no other folder does
PLUGIN = "pointwise_bench.suites.pytest_plugin"


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Add the options in time for the command line to be read with them, or say what is not installed.

    Said later, it would be hidden by what comes of it: without pytest-benchmark, ``--benchmark-only`` is no option.
    """
    manager = early_config.pluginmanager
    named = early_config.known_args_namespace.file_or_dir or early_config.getini("testpaths")
    there = {getattr(plugin, "__name__", "") for plugin in manager.get_plugins()}
    if PLUGIN not in there and any(map(_names_suites, named)):
        if (sentence := first_missing()) is not None:
            raise pytest.UsageError(sentence)
        manager.import_plugin(PLUGIN)


def _names_suites(argument: str) -> bool:
    place = argument.partition("::")[0]
    return place.startswith("pointwise_bench.suites") or is_of_suites(Path(place).absolute())


@cache  # asked of the same file for each of its tests
def is_of_suites(path: Path) -> bool:
    """Whether a file or folder lies in a folder of suites, or is one."""
    return any(all((folder / name).is_file() for name in OURS) for folder in (path, *path.parents))
