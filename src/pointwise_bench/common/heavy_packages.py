"""Packages that take long to import: what lists backends, or only starts, must do without them."""

from __future__ import annotations

from typing import Final

HEAVY_PACKAGES: Final = frozenset(
    {
        "cupy",
        "jax",
        "matplotlib",
        "numba",
        "onnxruntime",
        "openvino",
        "pandas",
        "pyopencl",
        "scipy",
        "tensorflow",
        "torch",
        "triton",
    }
)
"""By the name under which they are imported. NumPy takes a tenth of the time of any of them; who must do without it,
too, says so."""
