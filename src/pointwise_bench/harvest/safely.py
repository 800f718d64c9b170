"""Files that only PyTorch can load, read in a process of their own, which a damaged one may end or fill.

The process is this module: it is told on its standard input what to read, and answers with JSON. Its memory and time
have limits.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from pointwise_bench.harvest.operations import (
    Convolution,
    HarvestedModel,
    HarvestError,
    Linear,
    Operation,
    OtherProduct,
)

LONGEST_S: Final = 120.0
"""For loading and one call on ``meta``; importing PyTorch from a cold disk takes a third of it."""
MOST_MORE_BYTES: Final = 512 << 20
"""Beside what PyTorch takes for itself and three times the file."""

_KINDS: Final[dict[str, type[Any]]] = {each.__name__: each for each in (Convolution, Linear, OtherProduct)}
_TUPLES: Final = ("image", "kernel", "stride", "padding", "out_image", "input_shape")


def read(kind: str, path: Path, title: str, inputs: Sequence[Sequence[int]]) -> HarvestedModel:
    """The model in ``path``, a file of TorchScript or a pickle. Raises ``HarvestError``."""
    request = json.dumps({"kind": kind, "path": str(path), "title": title, "inputs": inputs})
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-W", "ignore", "-m", __name__]
    try:
        done = subprocess.run(
            command, input=request, capture_output=True, text=True, timeout=LONGEST_S, check=False, env=environment
        )
    except subprocess.TimeoutExpired:
        raise HarvestError(f"{title}: took more than {LONGEST_S:.0f} s to load, and was given up") from None
    return _answer(done.stdout, done.returncode, title)


def _answer(printed: str, code: int, title: str) -> HarvestedModel:
    lines = printed.splitlines()
    try:
        answer = json.loads(lines[-1]) if lines else {}
        if "error" in answer:
            raise HarvestError(answer["error"])
        return HarvestedModel(title, answer["details"], tuple(map(_operation, answer["operations"])))
    except (json.JSONDecodeError, KeyError, TypeError):
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise HarvestError(f"{title}: is damaged, or too large: PyTorch ended with {how} while it loaded it") from None


def _operation(fields: dict[str, Any]) -> Operation:
    made: Operation = _KINDS[fields.pop("is")](
        **{key: tuple(value) if key in _TUPLES else value for key, value in fields.items()}
    )
    return made


# --- in the process of its own ------------------------------------------------------------------------------------


def _serve() -> None:
    request = json.loads(sys.stdin.read())
    answers = os.dup(1)
    os.dup2(2, 1)  # what a model prints while it is called is no answer
    try:
        model = _read(request)
        operations = [{"is": type(each).__name__, **asdict(each)} for each in model.operations]
        answer: dict[str, Any] = {"details": model.details, "operations": operations}
    except HarvestError as error:
        answer = {"error": str(error)}
    except MemoryError:
        answer = {"error": f"{request['title']}: does not fit into the memory that it is given"}
    with os.fdopen(answers, "w") as file:
        json.dump(answer, file)
    os._exit(0)  # libraries that are half loaded may fail on their way out


def _read(request: dict[str, Any]) -> HarvestedModel:
    from pointwise_bench.harvest.torch_models import scripts

    path, title = Path(request["path"]), request["title"]
    inputs = [tuple(shape) for shape in request["inputs"]]
    try:
        import torch  # noqa: F401  # before the limits, which are for the file
    except ModuleNotFoundError:
        raise HarvestError(f"{title}: torch is not installed: pip install torch") from None
    _limit(MOST_MORE_BYTES + 3 * path.stat().st_size)
    return (scripts.from_pickle if request["kind"] == "pickle" else scripts.from_file)(path, title, inputs)


def _limit(more: int) -> None:
    """Limit the memory of this process to what it has and ``more`` bytes."""
    status = Path("/proc/self/status")
    if not status.exists():
        return  # no such limit there; time is limited all the same
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmData:")]
    most = int(line.split()[1]) * 1024 + more
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


if __name__ == "__main__":
    _serve()
