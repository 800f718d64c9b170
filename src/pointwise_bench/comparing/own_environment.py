"""The interpreter of another version: this one, unless that version asks for packages that are not here.

A new environment lies over this one: it sees all that is installed here, and holds only what differs. So it takes as
long as installing that, and what both versions ask for is the very same files.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tomllib
import venv
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from shutil import rmtree
from typing import Any, Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from pointwise_bench.comparing.refusal import NoOtherVersion

OURS: Final = "pointwise-bench"  # what measures is this version for both
LAYER: Final = "_the_environment_below.pth"


def python_for(there: Path, here: Path, kept: Path) -> str:
    """The interpreter for the files at ``there``, as its pyproject.toml has them; empty where this one serves.

    ``here`` is the same folder of the version that is here: what that asks for as well is missing to both. New
    environments lie in ``kept``, where a later comparison finds them.
    """
    wanted = sorted(text for text in _asked(there) - _asked(here) if not _is_met(text))
    if not wanted:
        return ""
    name = blake2b("\n".join((sys.version, *sys.path, *wanted)).encode(), digest_size=8).hexdigest()
    folder = kept.absolute() / name
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        rmtree(folder, ignore_errors=True)
        _make(folder)
        _install(python, wanted)
        (folder / "complete").touch()
    return str(python)


def _asked(folder: Path) -> set[str]:
    """Requirements of a project; of its extras those whose packages are installed here, and so are in use."""
    try:
        project: Any = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return set()
    extras = [text for texts in project.get("optional-dependencies", {}).values() for text in texts]
    in_use = [text for text in extras if _installed(text) is not None]
    return {str(text) for text in (*project.get("dependencies", ()), *in_use)}


def _requirement(text: str) -> Requirement:
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        raise NoOtherVersion(f"its pyproject.toml asks for {text!r}: {str(error).splitlines()[0]}") from None


def _installed(text: str) -> str | None:
    try:
        return version(_requirement(text).name)
    except PackageNotFoundError:
        return None


def _is_met(text: str) -> bool:
    requirement = _requirement(text)
    if canonicalize_name(requirement.name) == OURS or (requirement.marker and not requirement.marker.evaluate()):
        return True
    found = _installed(text)
    return found is not None and requirement.specifier.contains(found, prereleases=True)


def _make(folder: Path) -> None:
    """An environment without pip, over the one that runs here: ``system_site_packages`` would mean the system's."""
    venv.create(folder, symlinks=True)
    own = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(folder), "platbase": str(folder)}))
    standard = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib")}
    # Folders of packages may hold lines such as this one themselves, of what is installed to be edited.
    below = [path for path in sys.path if Path(path).is_dir() and path not in standard]
    lines = [f"import site; site.addsitedir({str(Path(path).absolute())!r})" for path in below]
    (own / LAYER).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _install(python: Path, wanted: list[str]) -> None:
    """By the pip that is here. It leaves packages of the environment below alone, and installs over them."""
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "--no-input"]
    done = subprocess.run([*pip, "install", *wanted], capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["pip said nothing"]
        errors = [line for line in said if line.startswith("ERROR")]
        raise NoOtherVersion(f"its packages {', '.join(wanted)} cannot be installed: {(errors or said)[-1]}")
