"""The registry: how backends are found, and how a broken one is listed without stopping the others."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from places import ROOT

from pointwise_bench.backends import Backend, Registry, UnknownPluginError
from pointwise_bench.suites.harness.machine.writable_folders import MORE
from pointwise_bench.suites.harness.worker.plugin_loading import declarations

# Prints every backend with its source, and for one that could not be loaded the error that stands in its place.
LISTING = """
import json, sys
from pointwise_bench.backends import registry
from pointwise_bench.backends.registry import Unloadable
for plugin in sys.argv[1:]:
    registry.add_plugin(plugin)
found = {}
for name in registry.names():
    backend, source = registry.get(name), registry.source(name)
    error = backend.missing() if isinstance(backend, Unloadable) else None
    if source.location.endswith(".py") and error is None:
        assert sys.modules[type(backend).__module__].__file__ == source.location, "another file has its module's name"
    found[name] = {"kind": source.kind, "location": source.location, "error": error}
print(json.dumps(found))
"""

WORKING = """
from pointwise_bench import Backend, register

@register
class Working(Backend):
    name = "{name}"

    def prepare(self, problem, weight, bias, threads):
        return lambda x: x
"""

# Files with the words that must stand in the error under which they are listed.
BROKEN = {
    "imports_the_absent.py": ("import no_such_package_anywhere", "ModuleNotFoundError: No module named 'no_such"),
    "is_no_python.py": ("def broken(:", "SyntaxError"),
    "leaves_at_import.py": ("raise SystemExit(3)", "SystemExit: 3"),
    "registers_nothing.py": ("", "registers no backend"),
    "has_a_bad_name.py": (WORKING.format(name="Not_Good"), "lower-case words joined by hyphens, got 'Not_Good'"),
    "has_no_name.py": (WORKING.replace('    name = "{name}"\n', ""), "lower-case words joined by hyphens, got None"),
    "lacks_prepare.py": (WORKING.format(name="lacks").replace("def prepare", "def prepared"), "not define prepare"),
    "is_no_backend.py": ("from pointwise_bench import register\n@register\nclass X: pass", "not a subclass"),
    "declares_odd_output.py": (
        WORKING.format(name="odd").replace("    def", '    output = "both"\n\n    def'),
        '"fresh" or "reused"',
    ),
    "takes_a_name.py": (WORKING.format(name="dropped-in"), "the name 'dropped-in' is taken by the built-in"),
    "two_of_one_name.py": (
        WORKING.format(name="twin") + WORKING.format(name="twin").replace("class Working", "class Other"),
        "the name 'twin' is taken",
    ),
}

Listing = dict[str, dict[str, Any]]


def list_backends(folder: Path, *plugins: str, import_path: tuple[Path, ...] = ()) -> subprocess.CompletedProcess[str]:
    """What a fresh process that runs in ``folder`` knows."""
    path = os.pathsep.join(map(str, (folder, *import_path)))
    return subprocess.run(
        [sys.executable, "-c", LISTING, *plugins],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def listing(folder: Path, *plugins: str, import_path: tuple[Path, ...] = ()) -> Listing:
    done = list_backends(folder, *plugins, import_path=import_path)
    assert done.returncode == 0, done.stderr
    found: Listing = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def built_in() -> Listing:
    """The backends of the untouched checkout."""
    return listing(ROOT)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with a copy of ``backends/`` to drop files into."""
    package = tmp_path / "copy" / "pointwise_bench"
    shutil.copytree(ROOT / "src/pointwise_bench", package, ignore=shutil.ignore_patterns("__pycache__"))
    return package.parent


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a file, folders included, into a folder of plugins."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / "plugins" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


# --- files dropped in ---------------------------------------------------------------------------------------------


def test_a_file_dropped_in_is_listed_with_no_other_edit(copy: Path, built_in: Listing) -> None:
    (copy / "pointwise_bench" / "backends" / "dropped.py").write_text(WORKING.format(name="dropped-in"))
    found = listing(copy)
    assert found.pop("dropped-in") == {
        "kind": "built-in",
        "location": "pointwise_bench.backends.dropped",
        "error": None,
    }
    assert found == built_in


def test_broken_files_are_listed_with_their_errors_and_stop_no_other(copy: Path, built_in: Listing) -> None:
    (copy / "pointwise_bench" / "backends" / "dropped.py").write_text(WORKING.format(name="dropped-in"))
    for file, (text, _) in BROKEN.items():
        (copy / "pointwise_bench" / "backends" / file).write_text(text)
    found = listing(copy)
    errors = {name: entry["error"] for name, entry in found.items() if entry["error"]}
    listed_under = {file: file.removesuffix(".py").replace("_", "-") for file in BROKEN}
    assert set(errors) == set(listed_under.values())
    for file, (_, words) in BROKEN.items():
        assert words in errors[listed_under[file]]
    assert found["dropped-in"]["error"] is None
    assert built_in.items() <= found.items()
    assert "twin" not in found, "half of a file that failed is not a backend"


def test_a_helper_with_a_leading_underscore_is_no_backend(copy: Path, built_in: Listing) -> None:
    (copy / "pointwise_bench" / "backends" / "_helper.py").write_text("raise RuntimeError('never imported')")
    assert listing(copy) == built_in


def test_names_are_sorted_and_the_checkout_has_no_broken_backend(built_in: Listing) -> None:
    assert list(built_in) == sorted(built_in)
    assert {name: entry["error"] for name, entry in built_in.items() if entry["error"]} == {}


# --- plugins ------------------------------------------------------------------------------------------------------


def test_plugins_by_path_and_by_module(write: Callable[[str, str], Path], built_in: Listing) -> None:
    file = write("mine.py", WORKING.format(name="mine-by-path"))
    package = write("some_package/inner.py", WORKING.format(name="mine-by-module")).parent
    found = listing(ROOT, str(file), "some_package.inner", import_path=(package.parent,))
    assert found.pop("mine-by-path") == {"kind": "plugin", "location": str(file), "error": None}
    assert found.pop("mine-by-module") == {"kind": "plugin", "location": "some_package.inner", "error": None}
    assert found == built_in


def test_two_plugin_files_of_one_name_live_side_by_side(write: Callable[[str, str], Path]) -> None:
    paths = [str(write(f"{folder}/mine.py", WORKING.format(name=f"mine-{folder}"))) for folder in ("one", "two")]
    found = listing(ROOT, *paths, paths[0])
    assert found["mine-one"]["error"] is found["mine-two"]["error"] is None
    assert not [name for name in found if "unloadable" in name]


def test_broken_plugins_are_listed_with_their_errors(write: Callable[[str, str], Path], built_in: Listing) -> None:
    alone = {file: content for file, content in BROKEN.items() if file != "takes_a_name.py"}
    paths = {file: write(file, text) for file, (text, _) in alone.items()}
    found = listing(ROOT, *map(str, paths.values()))
    for file, (_, words) in alone.items():
        entry = found[file.removesuffix(".py").replace("_", "-")]
        assert entry["kind"] == "plugin"
        assert words in entry["error"]
    assert built_in.items() <= found.items()


def test_a_plugin_cannot_take_the_place_of_a_built_in(write: Callable[[str, str], Path], built_in: Listing) -> None:
    name = next(iter(built_in))
    path = write("impostor.py", WORKING.format(name=name))
    found = listing(ROOT, str(path))
    assert f"the name '{name}' is taken by the built-in" in found.pop("impostor")["error"]
    assert found == built_in


def test_a_module_in_a_package_that_fails_to_import_is_listed_with_that_error(
    write: Callable[[str, str], Path],
) -> None:
    write("broken_package/inner.py", WORKING.format(name="never-seen"))
    folder = write("broken_package/__init__.py", "raise RuntimeError('half installed')").parent.parent
    write("poor_package/inner.py", WORKING.format(name="never-seen"))
    write("poor_package/__init__.py", "import no_such_package_anywhere")
    found = listing(ROOT, "broken_package.inner", "poor_package.inner", import_path=(folder,))
    errors = [entry["error"] for entry in found.values() if entry["error"]]
    assert any("RuntimeError: half installed" in error for error in errors)
    assert any("No module named 'no_such_package_anywhere'" in error for error in errors)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("no/such/file.py", "no such file"),
        (".", "no such module"),
        ("no_such_module", "no such module"),
        ("no_such_package.inner", "no such module"),
        ("json.no_such_module", "no such module"),
        ("", "no such module"),
    ],
)
def test_a_plugin_that_does_not_exist_is_a_mistake_of_the_command_line(what: str, words: str) -> None:
    with pytest.raises(UnknownPluginError, match=words) as caught:
        Registry().add_plugin(what)
    assert repr(what) in str(caught.value)


# --- installed packages -------------------------------------------------------------------------------------------


def install(folder: Path, name: str, entry_point: str) -> None:
    """What pip leaves of a distribution with one entry point, as far as it is read here."""
    record = folder / f"{name}-1.0.dist-info"
    record.mkdir(parents=True)
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (record / "entry_points.txt").write_text(f"[pointwise_bench.backends]\n{entry_point}\n")


def test_entry_points_may_name_a_module_or_a_class(write: Callable[[str, str], Path], built_in: Listing) -> None:
    folder = write("of_module.py", WORKING.format(name="by-module")).parent
    write("of_class.py", WORKING.format(name="by-class"))
    write("undecorated.py", WORKING.format(name="by-undecorated-class").replace("@register", ""))
    install(folder, "first", "one = of_module")
    install(folder, "second", "two = of_class:Working")
    install(folder, "third", "three = undecorated:Working")
    found = listing(ROOT, import_path=(folder,))
    assert found.pop("by-module") == {"kind": "entry-point", "location": "one", "error": None}
    assert found.pop("by-class") == {"kind": "entry-point", "location": "two", "error": None}
    assert found.pop("by-undecorated-class") == {"kind": "entry-point", "location": "three", "error": None}
    assert found == built_in


def test_a_broken_entry_point_is_listed_with_its_error(write: Callable[[str, str], Path], built_in: Listing) -> None:
    folder = write("half.py", "").parent
    install(folder, "first", "absent = no_such_package_anywhere")
    install(folder, "second", "half-there = half:Missing")
    found = listing(ROOT, import_path=(folder,))
    assert "No module named 'no_such_package_anywhere'" in found.pop("absent")["error"]
    assert "AttributeError" in found.pop("half-there")["error"]
    assert found == built_in


def test_a_plugin_that_is_installed_too_is_listed_once(write: Callable[[str, str], Path]) -> None:
    folder = write("both_ways.py", WORKING.format(name="found-twice")).parent
    install(folder, "first", "found-twice = both_ways")
    found = listing(ROOT, "both_ways", import_path=(folder,))
    assert found["found-twice"]["error"] is None
    assert {name: entry["error"] for name, entry in found.items() if entry["error"]} == {}


def test_one_entry_point_of_two_distributions_is_an_error_that_names_both(
    write: Callable[[str, str], Path], built_in: Listing
) -> None:
    folder = write("one.py", WORKING.format(name="of-one")).parent
    write("two.py", WORKING.format(name="of-two"))
    install(folder, "first", "same = one")
    install(folder, "second", "same = two")
    found = listing(ROOT, import_path=(folder,))
    error = found.pop("same")["error"]
    assert "the entry point 'same' is offered by first 1.0 and by second 1.0" in error
    assert found == built_in


def test_a_constructor_that_raises_is_listed_with_its_error(write: Callable[[str, str], Path]) -> None:
    text = WORKING.format(name="cannot-be-made") + "    def __init__(self): raise SystemExit('no licence')\n"
    found = listing(ROOT, str(write("unmade.py", text)))
    assert found["cannot-be-made"]["error"] == "failed to construct: SystemExit: no licence"


# --- loaded elsewhere ---------------------------------------------------------------------------------------------

ELSEWHERE = LISTING.replace(
    "for plugin in sys.argv[1:]:",
    "from pointwise_bench.suites.harness.worker.plugin_loading import declarations\n"
    "registry.load_elsewhere(declarations)\nfor plugin in sys.argv[1:]:",
).replace("        assert sys.modules", "        pass  # assert sys.modules")


def listing_elsewhere(*plugins: str, import_path: tuple[Path, ...] = ()) -> Listing:
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, *plugins],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT / "src", *import_path)))},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: Listing = json.loads(done.stdout)
    return found


def test_elsewhere_everything_is_listed_as_here(write: Callable[[str, str], Path]) -> None:
    """Good and broken, by path, by module and by entry point: the same names, sources and errors."""
    paths = [str(write(file, text)) for file, (text, _) in BROKEN.items()]
    paths.append(str(write("mine.py", WORKING.format(name="mine"))))
    folder = write("both_ways.py", WORKING.format(name="found-twice")).parent
    write("broken_package/__init__.py", "raise RuntimeError('half installed')")
    write("impostor.py", WORKING.format(name="numpy-matmul"))
    install(folder, "first", "found-twice = both_ways")
    install(folder, "second", "absent = no_such_package_anywhere")
    paths += ["both_ways", "broken_package.inner", str(folder / "impostor.py")]
    here, there = listing(ROOT, *paths, import_path=(folder,)), listing_elsewhere(*paths, import_path=(folder,))
    assert there == here
    assert {name for name, entry in there.items() if not entry["error"]} > {"mine", "found-twice"}


def test_elsewhere_the_plugin_is_not_imported_here(
    write: Callable[[str, str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MORE, str(tmp_path))
    text = f"import os\nwith open({str(tmp_path / 'pids')!r}, 'a') as file: print(os.getpid(), file=file)\n"
    plugin = str(write("mine.py", text + WORKING.format(name="mine")))
    assert listing_elsewhere(plugin, plugin)["mine"] == {"kind": "plugin", "location": plugin, "error": None}
    assert len((tmp_path / "pids").read_text().split()) == 1, "a good plugin costs one start of Python"


def test_elsewhere_a_stand_in_declares_what_the_class_does(
    write: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    declares = 'name = "mine"\n    device = "cuda"\n    output = "reused"\n    """Doc."""'
    text = WORKING.format(name="mine").replace('name = "mine"', declares)
    registry = registry_of()
    registry.load_elsewhere(declarations)
    registry.add_plugin(str(write("mine.py", text)))
    backend = registry.get("mine")
    assert (backend.name, backend.device, backend.output) == ("mine", "cuda", "reused")
    with pytest.raises(RuntimeError, match="mine is not loaded in this process"):
        backend.prepare(None, None, None, 1)  # type: ignore[arg-type]


def test_elsewhere_a_plugin_that_does_not_exist_is_a_mistake_of_the_command_line() -> None:
    registry = registry_of()
    registry.load_elsewhere(declarations)
    for what in ("json.no_such_module", "no_such_module", "", "."):
        with pytest.raises(UnknownPluginError, match="no such module"):
            registry.add_plugin(what)


# --- asking for one -----------------------------------------------------------------------------------------------


def registry_of(*names: str) -> Registry:
    registry = Registry()
    registry._discovered = True  # an empty registry that looks for nothing
    for name in names:
        body = {"name": name, "prepare": lambda self, problem, weight, bias, threads: None}
        registry.register(type(name, (Backend,), body))
    return registry


def test_an_unknown_name_is_a_lookup_error_that_names_the_nearest() -> None:
    registry = registry_of("numpy-matmul", "numba-parallel", "naive-loops")
    with pytest.raises(LookupError, match=r"no backend is called 'numpy-matmull'; nearest: numpy-matmul"):
        registry.get("numpy-matmull")


def test_there_is_one_instance_of_a_backend() -> None:
    registry = registry_of("only")
    assert registry.get("only") is registry.get("only")


def test_registering_outside_of_discovery_refuses_a_name_in_use() -> None:
    registry = registry_of("taken")
    with pytest.raises(ValueError, match="the name 'taken' is taken"):
        registry.register(
            type("Other", (Backend,), {"name": "taken", "prepare": lambda self, *arguments: None}),
        )
