"""Kernels as object code: each written and compiled by itself, kept on disk, and loaded into this process.

A layer needs a few kernels of some two hundred. All of them in one function of numba's took 13 seconds of processor
time before the first call; one takes a twentieth. LLVM is asked without numba, since to have a function of twenty
words typed and wrapped takes numba as long as LLVM takes to compile it.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

from pointwise_bench.backends._microkernel.kernels.dots import Dots
from pointwise_bench.backends._microkernel.kernels.generator import Kernels
from pointwise_bench.backends._microkernel.kernels.llvm import Code
from pointwise_bench.backends._microkernel.kernels.numbering import KernelName
from pointwise_bench.backends._microkernel.kernels.packing import Copies
from pointwise_bench.backends._microkernel.kernels.registers import Registers, of_this_host
from pointwise_bench.backends._microkernel.kernels.smooth import Smooth

SPEED: Final = 2
"""Of LLVM's passes: 3 made the same instructions of every kernel that was compared. Loops are written in vectors."""


def address_of(kernel: KernelName, item: int, folder: Path) -> int:
    """Of a kernel for elements of so many bytes, which is compiled where ``folder`` does not hold it."""
    return _loaded(kernel_name(kernel, item), kernel, item, folder)


def address_of_activation(number: int, item: int, folder: Path) -> int:
    """Of the function that applies one of ``words.SMOOTH``."""
    return _loaded(f"pointwise_smooth{number}_f{8 * item}", number, item, folder)


def kernel_name(kernel: KernelName, item: int) -> str:
    """Of its function."""
    return f"pointwise_{kernel.kind}_f{8 * item}_{kernel.rows}x{kernel.lanes}"


def module_of(name: str, wanted: KernelName | int, registers: Registers, item: int) -> Any:
    """LLVM's module with the one function, of a kernel or of an activation by its number."""
    from llvmlite import binding, ir

    module = ir.Module(name)
    module.triple = binding.get_process_triple()
    code = Code(module, item)
    if isinstance(wanted, int):
        function = Smooth(code, registers).write(name, wanted)
    elif wanted.kind == "copy":
        function = Copies(code, registers).vectors(name, wanted.lanes // registers.lanes)
    elif wanted.kind == "gather":
        function = Copies(code, registers).elements(name)
    elif wanted.kind == "dots":
        function = Dots(code, registers).write(name, wanted.rows, wanted.lanes)
    else:
        function = Kernels(code, registers).write(name, wanted.kind, wanted.rows, wanted.lanes)
    function.linkage = "external"
    return module


def _loaded(name: str, wanted: KernelName | int, item: int, folder: Path) -> int:
    from llvmlite import binding

    engine, machine = _engine()
    if not (address := engine.get_function_address(name)):
        path = folder / f"{name}-{_key(item)}.kernel"
        code = _kept(path)
        if code is None:
            code = _compiled(module_of(name, wanted, of_this_host(item), item), machine)
            _keep(path, code)
        engine.add_object_file(binding.ObjectFileRef.from_data(code))
        engine.finalize_object()
        address = engine.get_function_address(name)
    return int(address)


def _compiled(module: Any, machine: Any) -> bytes:
    from llvmlite import binding

    parsed = binding.parse_assembly(str(module))
    tuning = binding.create_pipeline_tuning_options(speed_level=SPEED)
    tuning.loop_vectorization = tuning.slp_vectorization = False
    builder = binding.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(parsed, builder)
    return bytes(machine.emit_object(parsed))


@cache
def _engine() -> tuple[Any, Any]:
    """What links object code into this process, and the processor that is compiled for: this one, as numba does."""
    from llvmlite import binding
    from numba import config

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_triple(binding.get_process_triple())
    options = {"cpu": binding.get_host_cpu_name(), "features": binding.get_host_cpu_features().flatten()}
    reloc = "static" if target.name.startswith("x86") else "default"
    machine = target.create_target_machine(opt=3, reloc=reloc, codemodel="jitdefault", jit=True, **options)
    other = target.create_target_machine(opt=3, reloc=reloc, codemodel="jitdefault", jit=True, **options)
    nothing = binding.parse_assembly("")
    return binding.create_mcjit_compiler(nothing, other, use_lmm=config.USE_LLVMLITE_MEMORY_MANAGER), machine


# --- on disk --------------------------------------------------------------------------------------------------------


@cache
def version() -> str:
    """Of the code that writes kernels: numba's cache on disk asks for the age of a function's own file alone."""
    package = Path(__file__).parents[1]
    texts = (path.read_bytes() for path in sorted(package.rglob("*.py")))
    return hashlib.sha256(b"".join(texts)).hexdigest()


@cache
def _key(item: int) -> str:
    """Whatever the code of a kernel depends on, beside its name."""
    import llvmlite
    from llvmlite import binding

    features = binding.get_host_cpu_features().flatten()
    processor = (binding.get_process_triple(), binding.get_host_cpu_name(), features, of_this_host(item))
    return hashlib.sha256(repr((version(), llvmlite.__version__, *processor)).encode()).hexdigest()[:32]


def _kept(path: Path) -> bytes | None:
    """The code in a file, or None where there is none that is whole."""
    try:
        digest, code = (whole := path.read_bytes())[:32], whole[32:]
    except OSError:
        return None
    return code if hashlib.sha256(code).digest() == digest else None


def _keep(path: Path, code: bytes) -> None:
    """Write a file at once: other processes see none or all of it. Where nothing can be written, nothing is kept."""
    beside = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(hashlib.sha256(code).digest() + code)
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
