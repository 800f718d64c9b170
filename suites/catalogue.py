"""The shape catalogue: which layers are measured, under which names, and where each comes from.

A group is a file of layers: built-in ones are ``suites/shapes/<group>.toml``, and a user's own ``.toml`` or ``.csv`` is
read by the same rules. A TOML file looks like this, where ``common`` holds what all its layers share::

    source = "my network, version 3"
    common = { batch = 1, bias = true }
    layer = [
        { name = "block1/reduce", count = 2, in_channels = 192, out_channels = 64, height = 28, width = 28 },
    ]

A CSV file has a header of the same names and one layer a line; an empty cell means the field's default.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Literal, cast, get_args

from pointwise_bench.backends.problem import Problem
from pointwise_bench.common.whole_model import WholeModel, whole_model

Kind = Literal["basics", "claims", "sweep", "network", "museum", "user"]

SHAPES: Final = Path(__file__).parent / "shapes"

_KINDS: Final[tuple[str, ...]] = get_args(Kind)
_FILES: Final = (".toml", ".csv")
_LIKE_AN_ID: Final = re.compile(r"n\d+c\d+")

_PROBLEM_KEYS: Final = tuple(field.name for field in fields(Problem))
_LAYER_KEYS: Final = ("name", "count", *_PROBLEM_KEYS, "source", "network_activation")
_GROUP_KEYS: Final = ("source", "kind", "default", "common", "layer", "model")
_REQUIRED: Final = ("name", *(field.name for field in fields(Problem) if field.default is MISSING))
_TEXTS: Final = ("name", "source", "network_activation", "activation", "dtype", "layout", "direction")

# Names that other tools give to our keys. Too far from ours for a comparison of spellings, and what people have at
# hand. Hints only, never accepted: two names for one thing would have to be explained everywhere.
_OTHER_NAMES: Final = {
    **dict.fromkeys(("c_in", "cin", "ic", "c"), "in_channels"),
    **dict.fromkeys(("c_out", "cout", "oc", "k", "m"), "out_channels"),
    **dict.fromkeys(("h", "h_in", "ih"), "height"),
    **dict.fromkeys(("w", "w_in", "iw"), "width"),
    **dict.fromkeys(("n", "mb", "batch_size"), "batch"),
    "layer": "name",
    "layers": "layer",
    "g": "groups",
}


class CatalogueError(ValueError):
    """A selection or a file of layers that cannot be used; its message is one line that says what to change."""

    def __init__(self, message: str) -> None:
        # Paths and the messages of parsers may hold line breaks, which are taken out here once.
        super().__init__(" ".join(message.split()))


@dataclass(frozen=True)
class CatalogueEntry:
    """One distinct layer of a group, and how often it occurs there."""

    name: str
    count: int
    problem: Problem
    source: str
    """The file or text that the sizes were taken from."""
    network_activation: str | None = None
    """What the network does after the layer where we cannot fuse it (``relu6``, ``gelu``); it is not measured."""


@dataclass(frozen=True)
class Group:
    """Layers that are selected and reported together."""

    name: str
    kind: Kind
    default: bool
    """Whether a run that selects nothing measures this group."""
    source: str
    layers: tuple[CatalogueEntry, ...]
    model: WholeModel | None = None
    """What the layers are a part of, where ``harvest`` has written the file."""

    @property
    def occurrences(self) -> int:
        """Layers, each counted as often as it occurs."""
        return sum(layer.count for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-adds of the group, by occurrence."""
        return sum(layer.count * layer.problem.macs for layer in self.layers)


# --- selecting ----------------------------------------------------------------------------------------------------


def select(patterns: Sequence[str]) -> list[Group]:
    """The groups that ``patterns`` name: built-in ones in catalogue order, then the user's as they came.

    A pattern is a shell pattern over the names of built-in groups, the path of a ``.toml`` or ``.csv`` file of layers,
    or the id of one problem. No patterns give the groups of a plain run. A group named twice is there once.
    Raises ``CatalogueError``.
    """
    if not patterns:
        return [group for group in load() if group.default]
    built_in: set[str] = set()
    own: dict[str, Group] = {}
    for pattern in patterns:
        if pattern.lower().endswith(_FILES):
            _add(own, read(Path(pattern)), pattern)
        elif _LIKE_AN_ID.match(pattern):
            _add(own, _reproduction(pattern), pattern)
        else:
            built_in.update(_matching(pattern))
    return [*load(built_in), *own.values()]


def names() -> list[str]:
    """Names of the built-in groups, sorted; reads no file."""
    return sorted(path.stem for path in SHAPES.glob("*.toml"))


def load(wanted: Collection[str] | None = None) -> list[Group]:
    """The built-in groups called ``wanted``, or all, in catalogue order: by kind, then by name.

    Reads the files of those groups only.
    """
    groups = [_read(SHAPES / f"{name}.toml") for name in names() if wanted is None or name in wanted]
    return sorted(groups, key=lambda group: (_KINDS.index(group.kind), group.name))


def read(path: Path) -> Group:
    """A user's group, named by the file's stem. Raises ``CatalogueError``.

    A copy of a built-in file works as it is: its ``kind`` and ``default`` are checked, and then it is the user's.
    """
    group = replace(_read(path), kind="user", default=False)
    if group.name in names():
        raise CatalogueError(
            f"{path}: {group.name!r} is the name of a built-in group: rename the file,"
            f" or select {group.name!r} without {path.suffix!r} if you meant that group"
        )
    return group


def _add(own: dict[str, Group], group: Group, pattern: str) -> None:
    """Add a user's group; the same content again is the same group, whichever way its path was written."""
    if own.setdefault(group.name, group) != group:
        raise CatalogueError(f"{pattern}: two selected groups are named {group.name!r}: rename one of the files")


def _reproduction(identity: str) -> Group:
    """The group of a single problem, named by its id: what a report prints can be pasted back."""
    try:
        problem = Problem.parse(identity)
    except ValueError as error:
        message = str(error)
        raise CatalogueError(message if identity in message else f"{identity}: {message}") from None
    layer = CatalogueEntry(identity, 1, problem, source=identity)
    return Group(identity, "user", default=False, source=identity, layers=(layer,))


def _matching(pattern: str) -> list[str]:
    known = names()
    found = [name for name in known if fnmatchcase(name, pattern)]
    if found:
        return found
    if "/" in pattern or pattern in {entry.name for entry in Path().iterdir()}:
        raise CatalogueError(f"{pattern!r} is no file of layers: its name must end in .toml or .csv")
    near = difflib.get_close_matches(re.sub(r"[*?\[\]]", "", pattern).lower(), known, n=3)
    remedy = f"nearest: {', '.join(near)}" if near else "`pointwise-bench suites` lists them"
    raise CatalogueError(f"no group of shapes is called {pattern!r}: {remedy}")


# --- reading files ------------------------------------------------------------------------------------------------


def _read(path: Path) -> Group:
    text = _text_of(path)
    name = _text("the file's name", path.stem, str(path))
    return _from_csv(text, name, path) if path.suffix.lower() == ".csv" else _from_toml(text, name, path)


def _text_of(path: Path) -> str:
    try:
        if path.is_file() or not path.exists():  # of a pipe one would wait for the end
            return path.read_text(encoding="utf-8-sig")  # spreadsheets begin their CSV files with a byte order mark
    except FileNotFoundError:
        raise CatalogueError(f"{path}: no such file{_nearby(path)}") from None
    except UnicodeDecodeError:
        raise CatalogueError(f"{path}: is not UTF-8 text: save it as UTF-8") from None
    except OSError as error:
        raise CatalogueError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:  # a null byte; not in the words of Python, which differ from version to version
        raise CatalogueError(f"{str(path)!r}: is no path: it holds a character that none may hold") from None
    raise CatalogueError(f"{path}: is no file: name a .toml or .csv file of layers")


def _nearby(path: Path) -> str:
    if path.stem in names():
        return f"; the built-in group is selected as {path.stem!r}"
    present = sorted(other.name for other in path.parent.glob("*") if other.suffix.lower() in _FILES)
    # No cutoff: in a folder of few files even the least similar one may be meant.
    near = difflib.get_close_matches(path.name, present, n=5, cutoff=0.0)
    return f"; beside it there are: {', '.join(near)}" if near else "; check the path"


def _from_toml(text: str, name: str, path: Path) -> Group:
    try:
        table: dict[str, object] = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise CatalogueError(f"{path}: is not valid TOML: {error}") from None
    where = str(path)
    _refuse_unknown(table, _GROUP_KEYS, "key", where)
    default = table.get("default", False)
    if not isinstance(default, bool):
        raise CatalogueError(f"{where}: default must be true or false, got {default!r}")
    source = _text("source", table.get("source", path.name), where)
    rows = _toml_rows(table, where)
    kind, layers = _kind(table.get("kind", "user"), where), _layers(rows, source, where)
    try:
        return Group(name, kind, default, source, layers, whole_model(table["model"]) if "model" in table else None)
    except ValueError as error:
        raise CatalogueError(f"{where}: {error}") from None


def _kind(value: object, where: str) -> Kind:
    if value not in _KINDS:
        raise CatalogueError(f"{where}: kind must be one of {', '.join(_KINDS)}, got {value!r}")
    return cast("Kind", value)


def _toml_rows(table: Mapping[str, object], where: str) -> Iterator[tuple[str, dict[str, object]]]:
    common = table.get("common", {})
    if not isinstance(common, dict):
        raise CatalogueError(f"{where}: common must be a table such as {{ batch = 1 }}, got {common!r}")
    _refuse_unknown(common, _PROBLEM_KEYS, "key", f"{where}: common")
    rows = table.get("layer", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise CatalogueError(f"{where}: layer must be a list of tables: write each layer below a line [[layer]]")
    for number, row in enumerate(rows, start=1):
        title = f"layer {row['name']!r}" if isinstance(row.get("name"), str) else f"layer number {number}"
        yield f"{where}: {title}", common | row


def _from_csv(text: str, name: str, path: Path) -> Group:
    layers = _layers(_csv_rows(text, str(path)), path.name, str(path))
    return Group(name, "user", default=False, source=path.name, layers=layers)


def _csv_rows(text: str, where: str) -> Iterator[tuple[str, dict[str, object]]]:
    # Strict: otherwise a quote that is never closed takes in the rest of the file without an error.
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
    header: list[str] = []
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            line = f"{where}: line {reader.line_num}"
            if not any(cells):
                continue
            if not header:
                header = _header(cells, line)
                continue
            if len(cells) != len(header):
                raise CatalogueError(
                    f"{line}: has {len(cells)} cells where the header has {len(header)}: write as many"
                )
            values = {column: _typed(column, cell) for column, cell in zip(header, cells, strict=True) if cell}
            yield f"{line}: layer {values['name']!r}" if "name" in values else line, values
    except csv.Error as error:
        raise CatalogueError(f"{where}: line {reader.line_num}: is not valid CSV: {error}") from None


def _header(cells: list[str], where: str) -> list[str]:
    _refuse_unknown(cells, _LAYER_KEYS, "column", where)
    for column in cells:
        if cells.count(column) > 1:
            raise CatalogueError(f"{where}: column {column!r} is there twice: remove one")
    _refuse_missing(cells, where)
    return cells


def _typed(column: str, cell: str) -> object:
    """The cell as its column's type; the text as it is where it has another, which ``Problem`` then refuses."""
    if column in ("bias", "add"):
        return {"0": False, "false": False, "1": True, "true": True}.get(cell.lower(), cell)
    # A limit of digits, because int() has one too and would raise past it.
    if column not in _TEXTS and re.fullmatch(r"-?[0-9]{1,18}", cell):
        return int(cell)
    return cell


# --- from rows to layers ------------------------------------------------------------------------------------------


def _layers(rows: Iterable[tuple[str, dict[str, object]]], source: str, where: str) -> tuple[CatalogueEntry, ...]:
    by_name: dict[str, CatalogueEntry] = {}
    by_problem: dict[Problem, CatalogueEntry] = {}
    for place, values in rows:
        layer = _layer(values, source, place)
        if layer.name in by_name:
            height, width = layer.problem.height, layer.problem.width
            raise CatalogueError(
                f"{place}: the name is already taken: write for example '{layer.name}@{height}x{width}'"
            )
        twin = by_problem.setdefault(layer.problem, layer)
        if twin is not layer:
            raise CatalogueError(
                f"{place}: is the same problem as layer {twin.name!r} ({twin.problem.id}):"
                f" keep one of them with count {twin.count + layer.count}"
            )
        by_name[layer.name] = layer
    if not by_name:
        raise CatalogueError(f"{where}: has no layers: add at least one with {', '.join(_REQUIRED)}")
    return tuple(by_name.values())


def _layer(values: Mapping[str, object], source: str, where: str) -> CatalogueEntry:
    _refuse_unknown(values, _LAYER_KEYS, "key", where)
    _refuse_missing(values, where)
    count = values.get("count", 1)
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise CatalogueError(f"{where}: count must be a whole number of at least 1, got {count!r}")
    activation = values.get("network_activation")
    return CatalogueEntry(
        name=_text("name", values["name"], where),
        count=count,
        problem=_problem({key: values[key] for key in _PROBLEM_KEYS if key in values}, where),
        source=_text("source", values.get("source", source), where),
        network_activation=None if activation is None else _text("network_activation", activation, where),
    )


def _problem(values: dict[str, object], where: str) -> Problem:
    try:
        return Problem(**values)  # type: ignore[arg-type]  # Problem checks every value itself
    except ValueError as error:
        raise CatalogueError(f"{where}: {error}") from None


def _text(key: str, value: object, where: str) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise CatalogueError(f"{where}: {key} must be a text of printable characters, got {value!r}")
    return value


def _refuse_missing(keys: Collection[str], where: str) -> None:
    missing = [key for key in _REQUIRED if key not in keys]
    if missing:
        raise CatalogueError(f"{where}: lacks {', '.join(missing)}: add {'it' if len(missing) == 1 else 'them'}")


def _refuse_unknown(found: Iterable[str], valid: Sequence[str], noun: str, where: str) -> None:
    """Name all unknown keys in one message, each with the nearest valid one."""
    advice = {key: _nearest(key, valid) for key in found if key not in valid}
    if advice:
        each = ", ".join(f"{key!r} ({f'write {near}' if near else 'remove it'})" for key, near in advice.items())
        rest = "" if all(advice.values()) else f"; the valid ones are {', '.join(valid)}"
        raise CatalogueError(f"{where}: unknown {noun} {each}{rest}")


def _nearest(key: str, valid: Sequence[str]) -> str | None:
    folded = key.strip().lower()
    if _OTHER_NAMES.get(folded) in valid:
        return _OTHER_NAMES[folded]
    near = difflib.get_close_matches(folded, valid, n=1)
    return near[0] if near else None
