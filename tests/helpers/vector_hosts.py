"""Processors whose registers kernels are made for, whatever the machine of the tests has."""

from __future__ import annotations

from pointwise_bench.backends._microkernel.kernels.registers import (
    Registers,
)

AVX512, AVX2, NEON = Registers(16, 24, 8), Registers(8, 12, 6), Registers(4, 24, 8)
HOSTS = {"avx512": AVX512, "avx2": AVX2, "neon": NEON}
