"""Arrays in shared memory: they come out as they went in, aligned, read-only, and leave nothing behind."""

from __future__ import annotations

import fcntl
import mmap
import os
from pathlib import Path

import numpy as np
import pytest

from pointwise_bench.suites.harness.memory.shared_arrays import ALIGNMENT, read_block, write_block


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "int8", "int64", "bool", ">f4"])
def test_values_types_and_shapes_come_back(dtype: str) -> None:
    arrays = {
        "four": np.arange(2 * 3 * 5 * 7).reshape(2, 3, 5, 7).astype(dtype),
        "empty": np.zeros((0, 3, 4, 4), dtype),
        "one": np.ones((1,), dtype),
        "none": np.ones((), dtype),
        "last and empty": np.zeros((3, 0), dtype),
    }
    found = read_block(write_block(arrays))
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert np.array_equal(found[name], array)


def test_bits_come_back_exactly() -> None:
    values = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324, 1 + 2**-52])
    assert read_block(write_block({"x": values}))["x"].tobytes() == values.tobytes()


def test_any_memory_order_is_written_in_the_order_of_its_shape() -> None:
    array = np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1)[::-1]
    assert np.array_equal(read_block(write_block({"x": array}))["x"], array)


def test_every_array_is_aligned_and_contiguous() -> None:
    arrays = {f"array {size}": np.arange(size, dtype=np.float32) for size in (1, 3, 16, 17, 1000)}
    for array in read_block(write_block(arrays)).values():
        assert array.ctypes.data % ALIGNMENT == 0
        assert array.flags.c_contiguous
    assert ALIGNMENT == 64


def test_what_is_read_cannot_be_written() -> None:
    array = read_block(write_block({"x": np.ones(4)}))["x"]
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 2
    with pytest.raises(ValueError, match="WRITEABLE"):
        array.flags.writeable = True


def test_a_block_without_arrays_is_empty() -> None:
    assert read_block(write_block({})) == {}


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system does not list a process's descriptors")
def test_no_descriptor_and_no_file_is_left() -> None:
    before = list(Path("/proc/self/fd").iterdir())
    found = [read_block(write_block({"x": np.ones(1000)})) for _ in range(5)]
    del found
    assert len(list(Path("/proc/self/fd").iterdir())) == len(before)


def test_arrays_outlive_the_descriptor_that_was_read() -> None:
    descriptor = write_block({"x": np.arange(5.0)})
    array = read_block(descriptor)["x"]
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
    assert array.tolist() == [0, 1, 2, 3, 4]


SEALABLE = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="this system seals no files")


@SEALABLE
def test_a_block_cannot_be_changed_by_who_reads_it() -> None:
    """All backends of a problem are asked with one block; a worker that cut it short would kill the others."""
    descriptor = write_block({"x": np.arange(5.0)})
    for change in (
        lambda: os.ftruncate(descriptor, 0),
        lambda: os.ftruncate(descriptor, 2**20),
        lambda: os.pwrite(descriptor, b"x", 0),
        lambda: mmap.mmap(descriptor, 0),
    ):
        with pytest.raises(OSError, match="not permitted"):
            change()
    assert read_block(descriptor)["x"].tolist() == [0, 1, 2, 3, 4]


@SEALABLE
def test_what_could_still_be_changed_is_not_read(on_disk: Path) -> None:
    descriptor = os.memfd_create("open", os.MFD_ALLOW_SEALING)
    os.write(descriptor, bytes(1000))
    with pytest.raises(ValueError, match="not sealed"):
        read_block(descriptor)
    with pytest.raises(ValueError, match="no block"), (on_disk / "file").open("wb") as file:
        read_block(os.dup(file.fileno()))


@SEALABLE
@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"\xff" * 1000, (5).to_bytes(8, "little") + b"[1,2]", (13).to_bytes(8, "little") + b'[{"name": 1}]'],
    ids=["nothing", "a byte", "a long header", "numbers", "no shape"],
)
def test_what_is_no_block_is_an_error_that_can_be_told(content: bytes) -> None:
    descriptor = os.memfd_create("odd", os.MFD_ALLOW_SEALING)
    os.write(descriptor, content)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE)
    with pytest.raises(ValueError):
        read_block(descriptor)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
