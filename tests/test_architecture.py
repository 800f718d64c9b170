"""Who may import whom, read from the source of every file."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("backends", "suites", "report")
CONTRACT = ("backends", "backends.problem", "backends.backend")
INFRASTRUCTURE = {*CONTRACT, "backends.registry", "backends.__main__"}
# What may be imported across the packages' borders, and by whom. A run that looks again at what is undecided has to ask
# the very rule that the report will decide by; two copies of a rule drift apart.
BORROWED = {
    "suites.harness.settling": {"report.verdicts"},
    # What verdicts are worth is counted on verdicts as the report gives them.
    # The roof of a layer is the report's, with its ladder of bandwidths.
    "suites.demo": {"report.errors", "report.load", "report.roofline"},
    "suites.calibration.__main__": {"report.compare", "report.load"},
}
# So that rule must be light, and know nothing of runs on disk, of tables, or of who asks.
RULE = ("report.verdicts", "report.order_statistics")
LONGEST_BACKEND, LONGEST_HELPER, LONGEST_PART = 80, 150, 300  # lines
HEAVY = {"numpy", "torch", "numba", "pandas", "matplotlib", "jax", "tensorflow", "onnxruntime"}
HEAVY |= {"scipy", "openvino", "pyopencl", "triton", "cupy"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))}


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(FILES[module].read_text())


def is_for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def statements(node: ast.AST, *, inside_functions: bool, for_types: bool) -> Iterator[ast.stmt]:
    """Import statements below ``node``; those of functions and of type checkers only on request."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not inside_functions:
            continue
        elif is_for_type_checkers(child) and not for_types:
            assert isinstance(child, ast.If)
            for branch in child.orelse:
                yield from statements(branch, inside_functions=inside_functions, for_types=for_types)
        else:
            yield from statements(child, inside_functions=inside_functions, for_types=for_types)


def imports(module: str, *, inside_functions: bool = True, for_types: bool = True) -> set[str]:
    """Full names of the modules that ``module`` imports; of ``from package import submodule``, the submodule."""
    found = set()
    for statement in statements(tree(module), inside_functions=inside_functions, for_types=for_types):
        if isinstance(statement, ast.Import):
            found |= {alias.name for alias in statement.names}
            continue
        assert isinstance(statement, ast.ImportFrom)
        assert statement.level == 0, f"{module} imports relatively: write the whole name"
        assert statement.module is not None
        names = {f"{statement.module}.{alias.name}" for alias in statement.names}
        submodules = names & FILES.keys()
        found |= submodules
        if submodules != names:
            found.add(statement.module)
    return found


def ours(module: str, *, inside_functions: bool = True, for_types: bool = True) -> set[str]:
    everything = imports(module, inside_functions=inside_functions, for_types=for_types)
    return {name for name in everything if name.partition(".")[0] in (*PACKAGES, "tests")}


def modules_of(package: str) -> list[str]:
    return [module for module in FILES if module == package or module.startswith(f"{package}.")]


def contestants() -> list[str]:
    return [module for module in modules_of("backends") if module not in INFRASTRUCTURE and "._" not in module]


def helpers() -> list[str]:
    """Modules, and packages of modules, that contestants share or are made of: their names begin with an underscore."""
    named = [module for module in modules_of("backends") if "._" in module]
    return [module for module in named if module not in INFRASTRUCTURE]


def test_there_is_something_to_read() -> None:
    assert len(contestants()) >= 3
    assert len(modules_of("suites.harness")) > 10
    assert imports("backends.backend") >= {"abc", "backends.problem"}


def test_the_problem_imports_nothing_of_ours() -> None:
    assert ours("backends.problem") == set()


def test_the_contract_rests_on_the_problem_alone() -> None:
    assert ours("backends.backend") == {"backends.problem"}
    assert ours("backends.registry") == {"backends.problem", "backends.backend"}


def test_the_package_offers_the_contract_and_the_registry() -> None:
    assert ours("backends") == {"backends.problem", "backends.backend", "backends.registry"}


@pytest.mark.parametrize("module", contestants())
def test_a_backend_imports_the_contract_and_helpers_but_no_other_backend(module: str) -> None:
    assert ours(module) <= {*CONTRACT, *helpers()}


@pytest.mark.parametrize("module", helpers())
def test_a_helper_imports_the_contract_and_other_helpers(module: str) -> None:
    assert ours(module) <= {*CONTRACT, *helpers()}


# What numba compiles stands in modules of its own, because its cache on disk wants functions of a module. They are
# imported where a layer is prepared, which the next test holds.
COMPILED = {f"backends._microkernel.{name}" for name in ("compiled", "passes", "intrinsics")}


def test_what_numba_compiles_is_imported_inside_functions_only() -> None:
    importers = [module for module in FILES if module not in COMPILED and COMPILED & ours(module)]
    assert importers
    assert not [module for module in importers if COMPILED & ours(module, inside_functions=False)]


@pytest.mark.parametrize("module", [module for module in modules_of("backends") if module not in COMPILED])
def test_no_module_of_backends_imports_anything_heavy_at_its_top(module: str) -> None:
    at_import = imports(module, inside_functions=False, for_types=False)
    assert not HEAVY & {name.partition(".")[0] for name in at_import}


@pytest.mark.parametrize("module", contestants())
def test_a_backend_is_read_in_one_sitting(module: str) -> None:
    assert len(FILES[module].read_text().splitlines()) <= LONGEST_BACKEND


@pytest.mark.parametrize("module", helpers())
def test_a_helper_has_one_purpose_and_the_length_of_one(module: str) -> None:
    # The parts of a contestant that is a package are its own code, which it shares with nobody.
    is_part = module.count(".") > 1
    assert len(FILES[module].read_text().splitlines()) <= (LONGEST_PART if is_part else LONGEST_HELPER)


@pytest.mark.parametrize("module", modules_of("suites"))
def test_suites_import_the_contract_of_backends_and_no_backend(module: str) -> None:
    allowed = {*CONTRACT, "backends.registry", *modules_of("suites"), *BORROWED.get(module, ())}
    assert ours(module) <= allowed


@pytest.mark.parametrize("module", modules_of("suites.harness"))
def test_the_harness_names_no_backend(module: str) -> None:
    declared = {
        node.value.value
        for contestant in contestants()
        for node in ast.walk(tree(contestant))
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and any(isinstance(target, ast.Name) and target.id == "name" for target in node.targets)
    }
    assert declared
    texts = {node.value for node in ast.walk(tree(module)) if isinstance(node, ast.Constant)}
    assert not declared & texts


@pytest.mark.parametrize("module", modules_of("report"))
def test_the_report_knows_problems_and_nothing_else_of_ours(module: str) -> None:
    assert ours(module) <= {"backends.problem", *modules_of("report")}


def test_nobody_imports_the_tests_and_only_suites_and_report_import_themselves() -> None:
    for module in FILES:
        package = module.partition(".")[0]
        strangers = {name for name in ours(module) if name.partition(".")[0] not in (package, "backends")}
        assert strangers == BORROWED.get(module, set()), module


@pytest.mark.parametrize("module", RULE)
def test_the_rule_of_verdicts_rests_on_numpy_and_itself(module: str) -> None:
    assert ours(module) <= set(RULE)
    assert HEAVY & {name.partition(".")[0] for name in imports(module)} == {"numpy"}


def test_importing_the_rule_imports_no_table_and_no_suite() -> None:
    """Also not by way of its package."""
    program = "import sys, report.verdicts; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not (HEAVY - {"numpy"} | {"suites"}) & set(done.stdout.split())


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
