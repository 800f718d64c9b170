"""Whether OpenCL's driver can compile here, as a process of its own tells."""

from __future__ import annotations

import pytest
from late_import import late_import

from pointwise_bench.backends._shared.opencl import binding


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        ("", None),
        ("print('error: unknown target CPU')", "install a newer one: error: unknown target CPU"),
        ("import os; os._exit(3)", "it ended with 3"),
        ("import time; time.sleep(60)", "timed out after 0.5 seconds"),
    ],
)
def test_a_driver_that_compiles_nothing_is_missing(
    monkeypatch: pytest.MonkeyPatch, probe: str, said: str | None
) -> None:
    monkeypatch.setattr(binding, "_PROBE", probe)
    monkeypatch.setattr(binding, "_PROBE_S", 0.5 if "sleep" in probe else 30.0)
    found = binding._compiles_nothing.__wrapped__()
    assert found is said if said is None else said in str(found)


def test_the_probe_tells_what_the_driver_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """PoCL says what is wrong in a line of its own, between others that name an address."""
    late_import("pyopencl")
    refused = "clBuildProgram failed\\n\\nBuild on <Device at 0x55>:\\n\\nerror: unknown target CPU 'generic'\\n"
    program = f'import pyopencl\ndef Program(*_): raise RuntimeError("{refused}")\npyopencl.Program = Program\n'
    monkeypatch.setattr(binding, "_PROBE", program + binding._PROBE)
    monkeypatch.setenv("PYOPENCL_CTX", "")
    assert str(binding._compiles_nothing.__wrapped__()).endswith(
        "install a newer one: error: unknown target CPU 'generic'"
    )
