"""Which tests a session holds: hooks that choose files, and make a test for each layer, thread budget and backend."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from pointwise_bench.backends import registry
from pointwise_bench.suites.entry_point import is_of_suites
from pointwise_bench.suites.harness.run.options import matching
from pointwise_bench.suites.stash import COLLECTED, GROUPS, OPTIONS


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect without Python's collector: it would go through thousands of tests again and again, of which none ends.

    Nor does it look at them later, at the end of the session or while something is measured.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the untimed tests where only timed ones are wanted, unless a file of them is named.

    pytest-benchmark would skip each of them, of which there are thousands, after importing what they are made with.
    """
    if not config.getoption("--benchmark-only") or collection_path.suffix != ".py" or not is_of_suites(collection_path):
        return None
    return None if "@pytest.mark.benchmark" in collection_path.read_text(encoding="utf-8") else True


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Timed tests: one per layer, thread budget and backend. Other tests that ask for one: one per backend."""
    if not is_of_suites(metafunc.definition.path):
        return  # other tests of the same session have parameters of their own
    options = metafunc.config.stash[OPTIONS]
    names = matching(registry.names(), options.backends)
    marker = metafunc.definition.get_closest_marker("shapes")
    if marker is not None:
        timed = [
            pytest.param(group, layer, threads, name, id=f"{place}:{threads}t:{name}")
            for group in metafunc.config.stash[GROUPS]
            if group.kind in marker.args
            for layer in group.layers
            for place in [f"{group.name}:{layer.name}:{layer.problem}"]  # once for all backends
            for threads in options.threads
            for name in names
        ]
        metafunc.parametrize(("group", "layer", "threads", "backend_name"), timed)
    elif "claim" in metafunc.fixturenames:
        from pointwise_bench.suites.claims import CLAIMS

        wanted = any(group.kind == "claims" for group in metafunc.config.stash[GROUPS])
        claims = [
            pytest.param(claim, threads, name, id=f"{claim.name}:{threads}t:{name}")
            for threads in options.threads
            for name in names
            for claim in (CLAIMS if wanted else ())
        ]
        metafunc.parametrize(("claim", "threads", "backend_name"), claims)
    elif "backend_name" in metafunc.fixturenames:
        # In the scope of a session, pytest puts all tests of a backend side by side: one worker serves them.
        metafunc.parametrize("backend_name", names, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the placeholders that pytest makes where ``--shapes`` selects no group of a kind."""
    unset = [item for item in items if "[NOTSET" in item.name]
    empty = [item for item in unset if item.get_closest_marker("shapes") or item.get_closest_marker("claims")]
    if empty:
        config.hook.pytest_deselected(items=empty)
        items[:] = [item for item in items if item not in empty]
    config.stash[COLLECTED] = True
