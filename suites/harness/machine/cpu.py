"""What the processor is: its name, its cores and its caches, as the system tells them."""

from __future__ import annotations

import platform
import re
from pathlib import Path

CPU = Path("/sys/devices/system/cpu")


def name() -> str:
    """Marketing name of the processor, e.g. ``Intel(R) Xeon(R) Processor``; the architecture where there is none."""
    for line in _lines(Path("/proc/cpuinfo")):
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model", "cpu model"):
            return value.strip()
    return platform.processor() or platform.machine()


def slug() -> str:
    """The name as a folder can have it: lower-case words, the trade marks and clock left out."""
    words = re.sub(r"\(.*?\)|@.*|\bCPU\b", " ", name())
    return "-".join(re.findall(r"[a-z0-9.]+", words.lower())) or "unknown"


def flags() -> str:
    """Instruction-set extensions, one space between them."""
    for line in _lines(Path("/proc/cpuinfo")):
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            return value.strip()
    return ""


def cache_bytes() -> dict[str, int]:
    """Size of each data or unified cache of the first core, by level: ``{"L1": 49152, ...}``; empty where unknown."""
    sizes = {}
    for index in sorted(CPU.glob("cpu0/cache/index*")):
        if _text(index / "type") in ("Data", "Unified"):
            sizes[f"L{_text(index / 'level')}"] = _bytes(_text(index / "size"))
    return sizes


def governor() -> str | None:
    """How the first core's clock is governed, where the system tells."""
    return _text(CPU / "cpu0/cpufreq/scaling_governor") or None


def _bytes(text: str) -> int:
    unit = {"K": 2**10, "M": 2**20, "G": 2**30}.get(text[-1:], 1)
    digits = re.match(r"\d+", text)
    return int(digits.group()) * unit if digits else 0


def _text(path: Path) -> str:
    return "\n".join(_lines(path)).strip()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []
