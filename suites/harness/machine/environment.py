"""Where a run happened: machine and software, and what about them a reader should know before the numbers."""

from __future__ import annotations

import os
import platform
import re
from functools import cache
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, distributions, requires, version
from pathlib import Path
from typing import Any

import psutil

from pointwise_bench.common.cores import available_cores, cpu_quota
from pointwise_bench.common.heavy_packages import HEAVY_PACKAGES
from pointwise_bench.suites.harness.machine import cpu

DISTRIBUTION = "pointwise-bench"
SLOWING_VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
THREADING_VARIABLE = re.compile(r"(OMP|OPENBLAS|MKL|KMP|GOMP|NUMBA|BLIS|VECLIB|MALLOC|PJRT|XLA)_\w+|LD_PRELOAD")
BUSY_LOAD_PER_CORE = 0.5


def describe() -> dict[str, Any]:
    """Everything that can change a number, JSON-ready. No host, user or path name."""
    return {
        "processor": cpu.name(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "affinity": available_cores(),
        "cpu_quota": cpu_quota(),
        "memory_bytes": psutil.virtual_memory().total,
        "cache_bytes": cpu.cache_bytes(),
        "governor": cpu.governor(),
        "huge_pages": _first_line("/sys/kernel/mm/transparent_hugepage/enabled"),
        # The number alone: what distributors and cloud providers append to a kernel's release can name a machine.
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": packages(),
        "variables": {name: value for name, value in sorted(os.environ.items()) if THREADING_VARIABLE.fullmatch(name)},
        "load": list(os.getloadavg()),
        "steal_s": steal_seconds(),
        "warnings": warnings(),
    }


def warnings() -> list[str]:
    """What makes this environment a poor place to measure in, with the remedy."""
    found = [
        f"{name}={os.environ[name]} overrides what NumPy's BLAS would choose for this processor and usually slows it "
        f"down: unset it to measure"
        for name in SLOWING_VARIABLES
        if os.environ.get(name)
    ]
    load = os.getloadavg()[0]
    if load > BUSY_LOAD_PER_CORE * available_cores():
        found.append(f"the load average was {load:.1f} when the run began: something else is using the processor")
    quota = cpu_quota()
    if quota is not None and quota < available_cores():
        found.append(
            f"a control group allows {quota:g} processors' worth of time on {available_cores()} cores: a larger thread "
            f"budget is stopped for a part of every tenth of a second; raise the quota to measure"
        )
    if cpu.governor() in ("powersave", "conservative", "ondemand"):
        found.append(f"the clock is governed by {cpu.governor()!r}: speeds follow the load; 'performance' is steadier")
    return found


@cache
def machine() -> str:
    """Folder name of this machine: processor, cores, and a hash that tells two machines of one model apart."""
    identity = (
        cpu.name(),
        cpu.flags(),
        os.cpu_count(),
        psutil.virtual_memory().total >> 28,  # coarse: firmware and kernel keep a little that varies between boots
        sorted(cpu.cache_bytes().items()),
        _first_line("/etc/machine-id"),
    )
    digest = blake2b(repr(identity).encode(), digest_size=4).hexdigest()
    return f"{cpu.slug()}-{os.cpu_count()}-cores-{digest}"


def packages() -> dict[str, str]:
    """Versions of everything that this project can use and that is installed here, and of installed plugins."""
    names = {re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in _requirements()}
    names |= {"llvmlite", "pytest-benchmark"}
    for distribution in distributions():
        if any(point.group == "pointwise_bench.backends" for point in distribution.entry_points):
            names.add(distribution.metadata["Name"])
    found = {}
    for name in sorted(names):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def steal_seconds() -> float | None:
    """Processor time that the hypervisor has given to others since boot, where the system tells."""
    return getattr(psutil.cpu_times(), "steal", None)


def _requirements() -> list[str]:
    try:
        return [*(requires(DISTRIBUTION) or []), DISTRIBUTION]
    except PackageNotFoundError:  # run from a plain checkout
        return ["numpy", "pytest", *HEAVY_PACKAGES]


def _first_line(path: str) -> str | None:
    try:
        return Path(path).read_text().strip().split("\n")[0]
    except OSError:
        return None
