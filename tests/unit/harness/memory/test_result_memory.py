"""Memory for results: what a worker writes is what the harness reads, a copy, and nobody can take it away."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pointwise_bench.suites.harness.memory.result_memory import ResultMemory, ResultsLost
from pointwise_bench.suites.harness.memory.shared_arrays import SEALABLE

NAMES = ("one", "two", "three")
SHAPE = (2, 3, 700)  # more than a page, and no whole number of them


@pytest.fixture
def made() -> Iterator[ResultMemory]:
    with ResultMemory.made(NAMES, SHAPE, "float32") as memory:
        yield memory


def other_side(memory: ResultMemory, dtype: str = "float32") -> ResultMemory:
    """As a worker has it, with a descriptor of its own."""
    return ResultMemory(os.dup(memory.descriptor), NAMES, SHAPE, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_every_result_is_read_as_it_was_written_and_where_none_was_are_zeros(dtype: str) -> None:
    values = (np.arange(np.prod(SHAPE)).reshape(SHAPE) % 127).astype(dtype)
    with ResultMemory.made(NAMES, SHAPE, dtype) as memory, other_side(memory, dtype) as worker:
        worker.write("one", values)
        worker.write("three", values[::-1])  # in any order of memory
        assert memory.read("one").tobytes() == values.tobytes()
        assert memory.read("three").tobytes() == np.ascontiguousarray(values[::-1]).tobytes()
        assert (memory.read("two").astype(np.float64) == 0).all()
        assert memory.read("one").dtype == values.dtype


def test_what_was_read_is_a_copy_that_no_later_writing_changes(made: ResultMemory) -> None:
    with other_side(made) as worker:
        worker.write("two", np.ones(SHAPE, np.float32))
        read = made.read("two")
        worker.write("two", np.zeros(SHAPE, np.float32))
    assert (read == 1).all()
    assert read.flags.writeable


def test_bits_that_are_no_numbers_arrive_unchanged(made: ResultMemory) -> None:
    bits = np.full(SHAPE, 0x7FA00001, np.uint32).view(np.float32)  # a signalling NaN
    made.write("one", bits)
    assert made.read("one").tobytes() == bits.tobytes()


@pytest.mark.skipif(not SEALABLE, reason="the system has no seals")
@pytest.mark.parametrize("size", [0, 10, 2**20])
def test_nobody_can_change_its_size(made: ResultMemory, size: int) -> None:
    with other_side(made) as worker, pytest.raises(PermissionError):
        os.ftruncate(worker.descriptor, size)
    assert made.read("three").shape == SHAPE


def test_memory_that_is_cut_short_is_an_error_and_no_trap() -> None:
    """As where the system has no seals."""
    descriptor = os.memfd_create("unsealed") if hasattr(os, "memfd_create") else os.open(os.devnull, os.O_RDONLY)
    with ResultMemory(descriptor, NAMES, SHAPE, "float32") as memory, pytest.raises(ResultsLost, match="'two' was cut"):
        memory.read("two")


@pytest.mark.parametrize("shape", [(0, 3, 4), (3, 0)])
def test_an_empty_result_takes_no_place(shape: tuple[int, ...]) -> None:
    with ResultMemory.made(NAMES, shape, "float32") as memory:
        memory.write("two", np.empty(shape, np.float32))
        assert memory.read("two").shape == shape


def test_closing_twice_closes_no_other_file(made: ResultMemory) -> None:
    made.close()
    other = os.open(os.devnull, os.O_RDONLY)
    made.close()
    os.fstat(other)
    os.close(other)


def test_writing_leaves_no_mapping_behind(made: ResultMemory) -> None:
    for _ in range(5):
        made.write("one", np.ones(SHAPE, np.float32))
    assert "memfd:block" not in Path("/proc/self/maps").read_text()


def test_a_descriptor_that_leads_elsewhere_by_now_is_named(made: ResultMemory) -> None:
    """As where a plugin closes or replaces what is not its own."""
    null = os.open(os.devnull, os.O_RDWR)
    try:
        os.dup2(null, made.descriptor)
        with pytest.raises(ResultsLost, match="a descriptor was closed or replaced"):
            made.write(NAMES[0], np.zeros(SHAPE, "float32"))
    finally:
        os.close(null)
