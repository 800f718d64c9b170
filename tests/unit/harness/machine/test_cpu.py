"""Processor facts, from files written as several systems write them."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from pointwise_bench.suites.harness.machine import cpu

X86 = "processor\t: 0\nmodel name\t: Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz\nflags\t\t: fpu avx2 avx512f\n"
AMD = "model name : AMD EPYC 7B13\nflags : fpu avx2\n"
RASPBERRY = "processor : 0\nFeatures : fp asimd\n\nModel : Raspberry Pi 4 Model B Rev 1.4\n"


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root folder for the files of the system; nothing is there yet."""
    monkeypatch.setattr(cpu, "CPU", tmp_path / "cpu")
    monkeypatch.setattr(cpu, "Path", lambda name: tmp_path / name.lstrip("/"))
    (tmp_path / "proc").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("text", "name", "slug", "flags"),
    [
        (X86, "Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz", "intel-xeon-gold-6248", "fpu avx2 avx512f"),
        (AMD, "AMD EPYC 7B13", "amd-epyc-7b13", "fpu avx2"),
        (RASPBERRY, "Raspberry Pi 4 Model B Rev 1.4", "raspberry-pi-4-model-b-rev-1.4", "fp asimd"),
    ],
)
def test_name_folder_and_extensions(system: Path, text: str, name: str, slug: str, flags: str) -> None:
    (system / "proc" / "cpuinfo").write_text(text)
    assert (cpu.name(), cpu.slug(), cpu.flags()) == (name, slug, flags)


def test_a_system_that_tells_nothing_has_its_architecture(system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert (cpu.name(), cpu.slug(), cpu.flags(), cpu.cache_bytes(), cpu.governor()) == (
        *("riscv64", "riscv64", ""),
        {},
        None,
    )


def test_a_name_without_any_letter_is_a_folder_all_the_same(system: Path) -> None:
    (system / "proc" / "cpuinfo").write_text("model name : (TM) @ 3 GHz\n")
    assert cpu.slug() == "unknown"


def test_caches_are_those_that_hold_data_by_level(system: Path) -> None:
    """48 KiB, 1280 KiB and 1.5 MiB of data; the instructions' are none of ours."""
    caches = [
        ("1", "Data", "48K"),
        ("1", "Instruction", "32K"),
        ("2", "Unified", "1280K"),
        ("3", "Unified", "54M"),
        ("4", "Unified", ""),
    ]
    for number, (level, kind, size) in enumerate(caches):
        folder = system / "cpu" / "cpu0" / "cache" / f"index{number}"
        folder.mkdir(parents=True)
        for name, text in (("level", level), ("type", kind), ("size", size)):
            (folder / name).write_text(text + "\n")
    assert cpu.cache_bytes() == {"L1": 49152, "L2": 1310720, "L3": 56623104, "L4": 0}


@pytest.mark.parametrize(
    ("text", "size"), [("512", 512), ("48K", 49152), ("2M", 2097152), ("1G", 1073741824), ("", 0), ("unknown", 0)]
)
def test_a_size_has_a_unit_or_is_in_bytes(text: str, size: int) -> None:
    assert cpu._bytes(text) == size


def test_the_governor_is_the_first_cores(system: Path) -> None:
    folder = system / "cpu" / "cpu0" / "cpufreq"
    folder.mkdir(parents=True)
    (folder / "scaling_governor").write_text("performance\n")
    assert cpu.governor() == "performance"


def test_the_machine_that_runs_this_has_a_name() -> None:
    assert cpu.name()
    assert cpu.slug().strip("-") == cpu.slug() != ""
