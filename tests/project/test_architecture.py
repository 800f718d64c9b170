"""The house: which rooms there are, how full they are, and who may import whom. Read from the source of every file."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from functools import cache

import pytest
from house import (
    BACKENDS,
    COMMON,
    COMPILED,
    CONTRACT,
    FINDING,
    HARNESS,
    HEAVY,
    REPORT,
    SUITES,
    contestants,
    heavy_at_the_top,
    helpers,
)
from imports import FILES, PACKAGE, imports, modules_of, named, ours, tree
from places import ROOT

from pointwise_bench.common.heavy_packages import HEAVY_PACKAGES

# From the ground floor up: a room imports from rooms before it, and never from one behind it.
ROOMS_OF_HARNESS = ("design", "record", "memory", "machine", "verify", "timing", "claims", "worker", "run")
ROOMS_OF_REPORT = ("statistics", "reading", "analysis", "claims", "plots", "pages", "publishing")

MOST_MODULES, MOST_FLOORS = 15, 8

# What may be imported across the packages' borders, and by whom. A run that looks again at what is undecided has to ask
# the very rule that the report will decide by; two copies of a rule drift apart.
RULE = {
    f"{REPORT}.statistics.{name}"
    for name in (
        *("chosen_pairs", "early_intervals", "leaders", "looks", "order_statistics", "outlook", "pairing"),
        *("sequential_signs", "starts", "step_down", "total_ratios", "verdicts"),
    )
}
BORROWED = {
    f"{HARNESS}.run.contenders": {
        f"{REPORT}.statistics.{name}" for name in ("leaders", "outlook", "starts", "total_ratios", "verdicts")
    },
    # What a run came to is the report's to say, in the terminal as on the page.
    f"{SUITES}.terminal": {
        f"{REPORT}.reading.errors",
        f"{REPORT}.reading.run",
        f"{REPORT}.pages.run_analysis",
        f"{REPORT}.pages.terminal_table",
    },
    # The roof of a layer is the report's, with its ladder of bandwidths.
    f"{SUITES}.demo": {f"{REPORT}.reading.errors", f"{REPORT}.reading.run", f"{REPORT}.analysis.roofline"},
    # What a report would refuse must not stay in a file that it reads: a second rule had let some of it pass.
    f"{SUITES}.attacks.attacks_file": {f"{REPORT}.analysis.trust.attacks", f"{REPORT}.reading.value_readers"},
    # What verdicts are worth is counted on verdicts as the report gives them.
    f"{SUITES}.calibration.__main__": {
        f"{REPORT}.analysis.comparisons",
        f"{REPORT}.analysis.series",
        f"{REPORT}.reading.cells",
        f"{REPORT}.reading.run",
    },
}

# --- rooms --------------------------------------------------------------------------------------------------------


def test_there_is_something_to_read() -> None:
    assert len(contestants()) >= 3
    assert len(modules_of("suites.harness")) > 30
    assert imports(f"{BACKENDS}.backend") >= {"abc", f"{BACKENDS}.problem"}


def test_no_folder_holds_more_modules_than_one_can_take_in() -> None:
    """Contestants apart: they stand side by side, and nobody reads them all."""
    fullest = {folder: len(modules - {*contestants()}) for folder, modules in _by_folder().items()}
    assert {folder: count for folder, count in fullest.items() if count > MOST_MODULES} == {}


@pytest.mark.parametrize(("package", "rooms"), [("suites.harness", ROOMS_OF_HARNESS), ("report", ROOMS_OF_REPORT)])
def test_the_rooms_are_those_that_the_order_names(package: str, rooms: tuple[str, ...]) -> None:
    whole = f"{PACKAGE}.{package}"
    found = {module.removeprefix(f"{whole}.").partition(".")[0] for module in modules_of(package) if module != whole}
    assert found - {"__main__"} == set(rooms)


@pytest.mark.parametrize(("package", "rooms"), [("suites.harness", ROOMS_OF_HARNESS), ("report", ROOMS_OF_REPORT)])
def test_no_room_imports_upward(package: str, rooms: tuple[str, ...]) -> None:
    prefix = f"{PACKAGE}.{package}."

    def floor(module: str) -> int:
        room = module.removeprefix(prefix).partition(".")[0]
        return rooms.index(room) if room in rooms else len(rooms)  # a command line stands above all rooms

    upward = [
        f"{module} -> {imported}"
        for module in modules_of(package)
        for imported in sorted(ours(module) | named(module))
        if module.startswith(prefix) and imported.startswith(prefix) and floor(imported) > floor(module)
    ]
    assert upward == []


def test_the_harness_stands_below_the_suites_and_knows_of_them_what_a_claim_is() -> None:
    """The plugin, the options and the catalogue ask the harness, and what a claim is stands below both, as data."""
    claims = {*modules_of("suites.claims")}
    assert imported_beyond(claims, {*CONTRACT, *modules_of("common"), *claims}) == []
    above = {*modules_of("suites")} - {*modules_of("suites.harness")} - claims
    assert len(above) > 10
    assert [module for module in modules_of("suites.harness") if above & {*ours(module), *named(module)}] == []


def test_every_package_says_what_lives_there() -> None:
    packages = [module for module, path in FILES.items() if path.name == "__init__.py"]
    said = {module: ast.get_docstring(tree(module)) or "" for module in packages}
    assert packages
    assert {module: text for module, text in said.items() if len(text.split()) < 5} == {}


def test_the_floors_of_a_package_are_few() -> None:
    """The longest chain of imports within one folder, and within one room with all that is below it."""
    rooms = {
        f"{package}.{room}": {*modules_of(f"{package}.{room}")}
        for package, names in (("suites.harness", ROOMS_OF_HARNESS), ("report", ROOMS_OF_REPORT))
        for room in names
    }
    heights = {where: max(map(len, _chains(modules))) for where, modules in (_by_folder() | rooms).items()}
    assert {where: height for where, height in heights.items() if height > MOST_FLOORS} == {}


def _chains(modules: set[str]) -> list[tuple[str, ...]]:
    """For each of ``modules`` the longest chain of imports that begins with it and stays among them."""
    below = {module: ours(module, for_types=False) & modules - {module} for module in modules}

    @cache
    def longest(module: str) -> tuple[str, ...]:
        return (module, *max(map(longest, sorted(below[module])), key=len, default=()))

    return [longest(module) for module in sorted(modules)]


def _by_folder() -> dict[str, set[str]]:
    folders: defaultdict[str, set[str]] = defaultdict(set)
    for module, path in FILES.items():
        if path.name not in {"__init__.py", "__main__.py"}:  # what a folder says of itself, and its door
            folders[str(path.parent)].add(module)
    return dict(folders)


def test_there_are_no_circles() -> None:
    """Function-level imports count, those for type checkers do not: they never run."""
    graph = {module: ours(module, for_types=False) - {module} for module in FILES}
    finished: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path[path.index(module) :], module))
        if module in finished:
            return
        for imported in sorted(graph.get(module, ())):
            visit(imported, (*path, module))
        finished.add(module)

    for module in graph:
        visit(module, ())


# --- backends -----------------------------------------------------------------------------------------------------


def test_the_problem_imports_nothing_of_ours() -> None:
    assert ours(f"{BACKENDS}.problem") == set()


def test_the_contract_rests_on_the_problem_alone() -> None:
    assert ours(f"{BACKENDS}.backend") == {f"{BACKENDS}.problem"}
    allowed = {f"{BACKENDS}.problem", f"{BACKENDS}.backend", *FINDING}
    for module in (f"{BACKENDS}.registry", *sorted(FINDING)):
        assert ours(module) <= allowed
    # The parts are the registry's own: whoever needs what is in them asks it.
    importers = {module for module in FILES if FINDING & ours(module)}
    assert importers <= {f"{BACKENDS}.registry", *FINDING}


def test_the_package_offers_the_contract_and_the_registry() -> None:
    assert ours(BACKENDS) == {f"{BACKENDS}.problem", f"{BACKENDS}.backend", f"{BACKENDS}.registry"}


def imported_beyond(modules: Iterable[str], allowed: Iterable[str]) -> list[str]:
    """What ``modules`` import of ours that is not among ``allowed``. All in one test: a test each takes longer."""
    asked = [*modules]
    assert asked
    may = {*allowed}
    return [f"{module} -> {imported}" for module in asked for imported in sorted(ours(module) - may)]


def test_an_import_that_is_not_allowed_is_named() -> None:
    assert imported_beyond([f"{BACKENDS}.backend"], []) == [f"{BACKENDS}.backend -> {BACKENDS}.problem"]


def test_a_backend_imports_the_contract_and_helpers_but_no_other_backend() -> None:
    assert imported_beyond(contestants(), {*CONTRACT, *helpers()}) == []


def test_a_helper_imports_the_contract_and_other_helpers() -> None:
    assert imported_beyond(helpers(), {*CONTRACT, *helpers()}) == []


# --- suites and report --------------------------------------------------------------------------------------------


def test_suites_import_the_contract_of_backends_and_no_backend() -> None:
    allowed = {*CONTRACT, f"{BACKENDS}.registry", *modules_of("common"), *modules_of("suites")}
    borrowed = {f"{module} -> {name}" for module, names in BORROWED.items() for name in names}
    assert {*imported_beyond(modules_of("suites"), allowed)} <= borrowed


@cache
def declared_names() -> frozenset[str]:
    """The names that backends give themselves."""
    return frozenset(
        str(node.value.value)
        for contestant in contestants()
        for node in ast.walk(tree(contestant))
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and any(isinstance(target, ast.Name) and target.id == "name" for target in node.targets)
    )


def named_backends(source: ast.AST) -> frozenset[str]:
    """Backends whose names stand in a module."""
    return declared_names() & {node.value for node in ast.walk(source) if isinstance(node, ast.Constant)}


def test_the_harness_names_no_backend() -> None:
    assert named_backends(ast.parse("who = 'numpy-matmul'")) == {"numpy-matmul"}
    found = {module: named_backends(tree(module)) for module in modules_of("suites.harness")}
    assert found
    assert {module: names for module, names in found.items() if names} == {}


def test_the_report_knows_problems_and_nothing_else_of_ours() -> None:
    allowed = {f"{BACKENDS}.problem", *modules_of("common"), *modules_of("report")}
    assert imported_beyond(modules_of("report"), allowed) == []


def test_the_rule_of_verdicts_rests_on_numpy_and_itself() -> None:
    assert imported_beyond(RULE, {*RULE, *modules_of("common")}) == []
    for module in RULE:
        assert HEAVY & {name.partition(".")[0] for name in imports(module)} <= {"numpy"}, module


def test_importing_the_rule_imports_no_table_and_no_suite() -> None:
    """Also not by way of its packages."""
    program = f"import sys, {REPORT}.statistics.leaders; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    imported = done.stdout.split()
    assert not (HEAVY - {"numpy"}) & {name.partition(".")[0] for name in imported}
    assert not [name for name in imported if name.startswith(SUITES)]


def test_the_harvest_knows_problems_and_nothing_else_of_ours() -> None:
    allowed = {f"{BACKENDS}.problem", *modules_of("common"), *modules_of("harvest")}
    assert imported_beyond(modules_of("harvest"), allowed) == []
    assert heavy_at_the_top(modules_of("harvest")) == []


# --- wisdom -------------------------------------------------------------------------------------------------------

# From the ground floor up, as the package's docstring has them; those of one floor know nothing of each other.
FLOORS_OF_WISDOM = (
    ("refusal", "entries", "simplicity"),
    ("wisdom_file", "nearest", "here"),
    ("from_runs", "regret", "choice", "value_check", "planned_layer"),
    ("plan", "recommend"),
)
WISDOM_ASKS = (
    f"{REPORT}.reading",
    f"{REPORT}.statistics",
    f"{REPORT}.analysis",
    f"{HARNESS}.machine",
    f"{HARNESS}.verify",
)


def test_wisdom_asks_what_a_run_means_and_what_is_right_and_nobody_how_it_is_measured_or_shown() -> None:
    assert modules_of("wisdom")
    allowed = {*CONTRACT, f"{BACKENDS}.registry", *modules_of("common"), *modules_of("wisdom")}
    beyond = {
        f"{module} -> {name}"
        for module in modules_of("wisdom")
        for name in ours(module) - allowed
        if not name.startswith(tuple(f"{room}." for room in WISDOM_ASKS))
    }
    assert beyond == set()


def test_wisdom_has_floors_as_it_says() -> None:
    prefix = f"{PACKAGE}.wisdom."
    floor = {f"{prefix}{name}": number for number, names in enumerate(FLOORS_OF_WISDOM) for name in names}
    assert floor.keys() == {*modules_of("wisdom")} - {f"{PACKAGE}.wisdom"}
    upward = [
        f"{module} -> {imported}"
        for module in floor
        for imported in ours(module)
        if imported.startswith(prefix) and floor[imported] >= floor[module]
    ]
    assert upward == []


def test_nobody_imports_wisdom_but_wisdom_itself_and_what_stands_on_it() -> None:
    """The package's door and its command open it by name, when they are first asked."""
    wisdom, above = {*modules_of("wisdom")}, {*modules_of("torch")}
    assert [module for module in FILES.keys() - wisdom - above if ours(module, for_types=False) & wisdom] == []
    holding_it_beside_others = {*modules_of("optimizing")}
    beyond = FILES.keys() - above - holding_it_beside_others
    assert [module for module in beyond if ours(module, for_types=False) & above] == []


# The kernel's schedule, which is carried out here by other threads, in other pieces and with more behind each of them;
# and what its code is written with, for the code of depthwise convolutions.
KERNEL = {f"{BACKENDS}._microkernel.{name}" for name in ("layer", "sweep", "compiled")} | {
    f"{BACKENDS}._microkernel.kernels.{name}" for name in ("intrinsics", "llvm", "registers")
}


def test_models_of_torch_rest_on_the_kernel_and_nothing_heavy_is_imported_at_the_top() -> None:
    asked = {f"{HARNESS}.verify.error_bounds", f"{REPORT}.statistics.order_statistics", f"{BACKENDS}._shared.loops"}
    allowed = {*CONTRACT, *modules_of("common"), *modules_of("torch"), *KERNEL} | asked
    assert imported_beyond(modules_of("torch"), allowed) == []
    for module in {*modules_of("torch")} - COMPILED:
        assert not HEAVY_PACKAGES & {name.partition(".")[0] for name in imports(module, inside_functions=False)}, module


# --- whole models -------------------------------------------------------------------------------------------------

OPTIMIZING_ASKS = (
    *(f"{PACKAGE}.harvest.", f"{PACKAGE}.torch", f"{REPORT}.reading."),
    *(f"{HARNESS}.machine.", f"{HARNESS}.record.locks"),
)


def test_measuring_whole_models_rests_on_harvest_and_optimising_and_nobody_imports_it() -> None:
    """Its command is opened by name, and answers ``--help`` without PyTorch."""
    optimizing = {*modules_of("optimizing")}
    assert optimizing
    allowed = {*optimizing, *modules_of("common"), f"{REPORT}.analysis.collections.timed_models"}
    beyond = {
        f"{module} -> {name}"
        for module in optimizing
        for name in ours(module) - allowed
        if not name.startswith(OPTIMIZING_ASKS)
    }
    assert beyond == set()
    assert [module for module in FILES.keys() - optimizing if ours(module) & optimizing] == []
    assert heavy_at_the_top(optimizing) == []


# --- two versions -------------------------------------------------------------------------------------------------


def test_nobody_imports_the_comparing_of_versions_and_its_command_is_opened_by_name() -> None:
    comparing = {*modules_of("comparing")}
    assert comparing
    assert [module for module in FILES.keys() - comparing if ours(module) & comparing] == []


# --- what all agree on --------------------------------------------------------------------------------------------


def test_common_imports_nothing_of_ours_and_nothing_heavy() -> None:
    """But what stands there itself: everybody may import it, whatever it is that he must do without."""
    assert imported_beyond(modules_of("common"), modules_of("common")) == []
    for module in modules_of("common"):
        assert not HEAVY & {name.partition(".")[0] for name in imports(module)}, module


def test_the_words_of_a_status_import_nothing() -> None:
    assert imports(f"{COMMON}.status") <= {"__future__", "typing"}
