"""Who is who among the modules: the contract, contestants, their helpers, and what is heavy to import."""

from __future__ import annotations

from collections.abc import Iterable

from imports import PACKAGE, imports, modules_of

from pointwise_bench.common.heavy_packages import HEAVY_PACKAGES

BACKENDS, SUITES, REPORT = (f"{PACKAGE}.{name}" for name in ("backends", "suites", "report"))
HARNESS = f"{SUITES}.harness"
COMMON = f"{PACKAGE}.common"
FINDING_PARTS = ("sources", "declaration", "stand_ins", "importing")  # of the registry
CONTRACT = {PACKAGE, BACKENDS, f"{BACKENDS}.problem", f"{BACKENDS}.backend"}
FINDING = {f"{BACKENDS}._finding", *(f"{BACKENDS}._finding.{part}" for part in FINDING_PARTS)}
INFRASTRUCTURE = {*CONTRACT, *FINDING, f"{BACKENDS}.registry", f"{BACKENDS}.__main__"}

HEAVY = HEAVY_PACKAGES | {"numpy"}


# What numba compiles stands in modules of its own, because its cache on disk wants functions of a module. They are
# imported where a layer is prepared, which the next test holds.
COMPILED = {f"{BACKENDS}._microkernel.{name}" for name in ("compiled", "passes", "kernels.intrinsics")} | {
    f"{PACKAGE}.torch.own_kernel.{name}" for name in ("finishing", "depthwise_code")
}


def contestants() -> list[str]:
    return [module for module in modules_of("backends") if module not in INFRASTRUCTURE and "._" not in module]


def helpers() -> list[str]:
    """What contestants share or are made of: packages whose names begin with an underscore."""
    return [module for module in modules_of("backends") if "._shared" in module or "._microkernel" in module]


def heavy_at_the_top(modules: Iterable[str], heavy: frozenset[str] | set[str] = HEAVY) -> list[str]:
    """Which of ``modules`` import something heavy when they are imported, and what."""
    found = {module: imports(module, inside_functions=False, for_types=False) for module in modules}
    assert found
    return [
        f"{module} -> {name}"
        for module, names in found.items()
        for name in sorted(names)
        if name.partition(".")[0] in heavy
    ]
