"""A run that has every page of a report: a network, the census, the museum, a model as a whole and claims."""

from __future__ import annotations

import json
from pathlib import Path

from make_attacks import tried, write_attacks
from make_claims import CLEAN, DESCRIBED
from make_run import cell, write_run
from make_timed_model import timed_model, write_models

from pointwise_bench.common.shape_groups import CENSUS, MUSEUM

MODEL = "layers-of-net"
_REPORTED = ("n1c16h60w60-o16-bias", "oneDNN#437")
_WHO = {"torch-conv2d": 3e-3, "torch-matmul": 1e-3, "openvino": 2e-3, "numpy-matmul": 4e-3, "jax-conv": 8e-3}


def write_every_page(results: Path, text: str = "", said: str = "", name: str = "2026-01-02T03-04-05Z") -> Path:
    """The run's folder; ``text`` stands in every name that a stranger can choose, ``said`` in every reason."""
    problems = [f"n1c{64 * place}h{28 // place}w28-o128" for place in (1, 2, 3, 4, 5)]
    places = [("tinynet" + text, f"layer{place}{text}", one) for place, one in enumerate(problems)]
    places += [(CENSUS, one, one) for one in problems] + [(MODEL + text, f"conv{text}", "n1c8h4w4-o8")]
    places += [(MUSEUM, _REPORTED[1], _REPORTED[0])]
    cells = [
        cell(who + text, problem, [seconds * (1 + 0.001 * place) for place in range(15)], group=group, name=layer)
        for group, layer, problem in places
        for who, seconds in _WHO.items()
    ]
    for group, layer, problem in places[:2]:
        why = f"signal 11 {said}"
        cells.append(cell("broken" + text, problem, group=group, name=layer, status="crashed", reason=why))
    left = [
        {"what": f"{what}{text}", "count": 2, "multiply_adds": 250, "names": [f"features.{what}.0{text}"] * 3}
        for what in ("3x3 convolution of groups", "7x7 convolution")
    ]
    title = f"torchvision:net{text}"
    folder = write_run(
        results,
        cells,
        name,
        environment={"processor": f"testbed{said}", "python": "3.11", "warnings": [f"busy{said}"]},
        models={
            MODEL + text: {"title": title, "multiply_adds": 1000, "left_out": left},
            f"{MODEL}-of-a-file{text}": {"title": f"other.onnx{said}", "multiply_adds": 1000, "left_out": left},
        },
        claims=DESCRIBED,
    )
    lines = [one if one["status"] == "ok" else one | {"reason": f"no{said}"} for one in CLEAN]
    (folder / "claims.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    layers = [{"name": f"conv{text}", "ways": ["modules"] * 3, "why": f"1 us{said}", "with": [f"relu{text}"]}]
    models = [timed_model(model=title, layers=layers), timed_model(over=0.99, model=title, threads=2)]
    write_models(folder.parent, models)
    cheats = [tried(f"{kind}{text}", tries=f"Does this.{said}") for kind in "abcd"]
    cheats.append(tried(f"e{text}", tries=f"Does that.{said}", refused=8, gained=1))
    mistakes = [tried(f"planted-f{text}", "planted", cells=2, refused=2, unavailable=1)]
    write_attacks(folder.parent, [*cheats, *mistakes], known={"attacks": 5, "planted": 3})
    return folder
