"""One start of the measurement, in a process of its own: the ways to compute a model, made ready and timed in turns.

The process is this module: it reads what to measure from its standard input, as JSON, and answers in the same way.
What optimising chooses, and how memory lies, may differ from start to start; several of them show by how much.
"""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pointwise_bench.common.formats import EAGER
from pointwise_bench.harvest.operations import HarvestError
from pointwise_bench.optimizing.contestants import Contestants, contestants
from pointwise_bench.optimizing.onnx_process import NoOnnxRuntime
from pointwise_bench.optimizing.subject import subject
from pointwise_bench.optimizing.turns import rounds
from pointwise_bench.suites.harness.machine.parent_death import die_with


def measured(request: Mapping[str, Any]) -> dict[str, Any]:
    """What one start found: ``ways`` by name, ``layers``, whether the optimised model is ``used``, and why."""
    import torch

    model, x = subject(request["model"], tuple(map(tuple, request["inputs"])))
    torch.set_num_threads(request["threads"])
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        _check_callable(request["model"], model, x)
        with contestants(model, x, request["threads"], request["skipped"], Path(folder)) as found:
            if EAGER in found.wrong:
                raise HarvestError(f"{request['model']}: gives other results each time, and none can be held to them")
            samples = rounds(found.timed, request["seconds"], request["rounds"])
    report = found.report
    return {
        "input": list(x.shape),
        "used": report.used,
        "why": report.why,
        "layers": [asdict(site) for site in report.sites],
        "ways": _ways(found, samples),
    }


def _check_callable(name: str, model: Any, x: Any) -> None:
    try:
        model(x)
    except Exception as error:  # whatever the code of a model raises
        raise HarvestError(f"{name}: cannot be called: {type(error).__name__}: {error}") from None


def _ways(found: Contestants, samples: Mapping[str, list[float]]) -> dict[str, Any]:
    """Those that were timed, with as many digits as cells have, as more would be noise; why the others were not."""
    ways: dict[str, Any] = {
        name: {"status": "ok", "samples_s": [float(f"{one:.7g}") for one in own], "differs": _finite(found, name)}
        for name, own in samples.items()
    }
    ways |= {name: {"status": "wrong", "reason": why} for name, why in found.wrong.items()}
    return ways | {name: {"status": "unavailable", "reason": why} for name, why in found.absent.items()}


def _finite(found: Contestants, name: str) -> float | None:
    differs = found.differ[name]
    return float(f"{differs:.3g}") if math.isfinite(differs) else None


# --- the process --------------------------------------------------------------------------------------------------


def _serve() -> None:
    request = json.loads(sys.stdin.readline())
    die_with(request["parent"])
    answers = os.dup(1)
    os.dup2(2, 1)  # what a model prints while it is called is no answer
    try:
        answer = measured(request)
    except HarvestError as error:
        answer = {"error": " ".join(str(error).split())}
    except NoOnnxRuntime as error:
        answer = {"error": f"ONNX Runtime: {error}; leave it out with --skip"}
    with os.fdopen(answers, "w") as file:
        json.dump(answer, file)


if __name__ == "__main__":
    _serve()
