"""The backends of both versions in the registry of this process: named, found in git, laid out and listed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pointwise_bench.backends import registry
from pointwise_bench.backends.registry import Source, Unloadable
from pointwise_bench.comparing.changed_backends import changed
from pointwise_bench.comparing.own_environment import python_for
from pointwise_bench.comparing.places import BEFORE, PlaceOfCode, place_of
from pointwise_bench.comparing.refusal import NoOtherVersion
from pointwise_bench.comparing.revision import Revision
from pointwise_bench.suites.harness.run.options import matching


@dataclass(frozen=True)
class WhatToCompare:
    """Which backends are meant, and what makes the other version usable; ``environments``: where new ones are kept."""

    against: str
    plugins: Sequence[str]
    patterns: Sequence[str]
    environments: Path
    build: str | None = None


@dataclass(frozen=True)
class BothVersions:
    """By the name of a backend that of its other version; the revisions; and who is in one version only."""

    names: Mapping[str, str]
    revisions: Sequence[Revision]
    only_here: Sequence[str]
    only_there: Sequence[str]


def both_versions(asked: WhatToCompare, folder: Path) -> BothVersions:
    """List the other version's backends beside this one's; its files go into ``folder``.

    :class:`NoOtherVersion` where there is nothing to compare; ``UnknownPluginError`` for a plugin that is not there.
    """
    wanted = _wanted(asked)
    laid_out = _LaidOut(asked, folder)
    here: list[str] = []
    there: list[str] = []
    for source, names in wanted.items():
        place = place_of(source)
        revision, tree = laid_out.around(place)
        if not asked.plugins and not asked.patterns and not _differs(place, revision.top, tree):
            continue
        here += names
        there += _listed(place, revision, tree, laid_out.python(place, revision, tree))
    if not here:
        raise NoOtherVersion(f"no backend differs from {asked.against} in its code; name some with --backend")
    pairs = {name: name + BEFORE for name in here if name + BEFORE in there}
    if not pairs:
        raise NoOtherVersion(f"{asked.against} has none of {', '.join(here)}")
    gone = [name for name in there if name.removesuffix(BEFORE) not in here]
    if asked.patterns:  # what was not asked for is not missed
        gone = [name for name in gone if matching([name.removesuffix(BEFORE)], asked.patterns)]
    return BothVersions(pairs, laid_out.revisions, [name for name in here if name not in pairs], gone)


def _wanted(asked: WhatToCompare) -> dict[Source, list[str]]:
    """The sources that are meant, with those of their backends that are."""
    for plugin in asked.plugins:
        registry.add_plugin(plugin)
    if broken := registry.unloadable(asked.plugins):
        raise NoOtherVersion(f"{broken[0]}: {registry.get(broken[0]).missing()}")
    names = registry.names_of_plugins(asked.plugins) if asked.plugins else registry.names()
    chosen = matching(names, asked.patterns)
    if not chosen:
        raise NoOtherVersion(registry.unknown((*asked.patterns, "")[0]))
    if not asked.plugins and not asked.patterns:
        chosen = [name for name in chosen if registry.source(name).kind == "built-in"]
    found: dict[Source, list[str]] = {}
    for name in chosen:
        found.setdefault(registry.source(name), []).append(name)
    return found


class _LaidOut:
    """The files of each repository's revision, written once."""

    def __init__(self, asked: WhatToCompare, folder: Path) -> None:
        self._asked = asked
        self._folder = folder
        self._trees: dict[Path, tuple[Revision, Path]] = {}
        self._pythons: dict[tuple[Path, Path], str] = {}

    @property
    def revisions(self) -> list[Revision]:
        """Of all repositories."""
        return [revision for revision, _ in self._trees.values()]

    def around(self, place: PlaceOfCode) -> tuple[Revision, Path]:
        """The revision of the repository that ``place`` is in, and where its files lie."""
        revision = Revision.of(place.file, self._asked.against)
        if revision.top not in self._trees:
            tree = self._folder / f"{len(self._trees)}-{revision.commit[:12]}"
            tree.mkdir()
            revision.lay_out(tree)
            self._built(tree)
            self._trees[revision.top] = (revision, tree)
        return self._trees[revision.top]

    def python(self, place: PlaceOfCode, revision: Revision, tree: Path) -> str:
        """The interpreter for ``place``, by the pyproject.toml above it in each version."""
        inside = place.file.relative_to(revision.top)
        folder = next((each for each in inside.parents if (tree / each / "pyproject.toml").is_file()), Path())
        if (tree, folder) not in self._pythons:
            self._pythons[tree, folder] = python_for(tree / folder, revision.top / folder, self._asked.environments)
        return self._pythons[tree, folder]

    def _built(self, tree: Path) -> None:
        if self._asked.build is None:
            return
        # The command is the user's own, and may be any line of a shell.
        done = subprocess.run(
            ["/bin/sh", "-c", self._asked.build], cwd=tree, capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
            raise NoOtherVersion(f"--build left with exit code {done.returncode}: {said[-1]}")


def _differs(place: PlaceOfCode, top: Path, tree: Path) -> bool:
    """Whether the code of one of the project's own backends is another one in ``tree``."""
    assert place.imported_from is not None, "a built-in is a module of a package"
    there = tree / place.imported_from.relative_to(top)
    return bool(changed(place.imported_from, there, [place.source.location.rpartition(".")[2]]))


def _listed(place: PlaceOfCode, revision: Revision, tree: Path, python: str) -> Iterable[str]:
    """The names under which the other version's backends are listed now; none where it has no such file."""
    try:
        source = place.in_tree(revision.top, tree, python)
    except FileNotFoundError:
        return []
    registry.load(source)
    names = registry.names_from(source)
    for backend in map(registry.get, names):
        if isinstance(backend, Unloadable):
            raise NoOtherVersion(f"{place.file.name} of {revision.short}: {backend.missing()}")
    return names
