"""Several starts of the measurement one after the other, and what they found together as one entry of the file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pointwise_bench.common.formats import EAGER, MODEL_WAYS
from pointwise_bench.suites.harness.machine.environment import packages
from pointwise_bench.suites.harness.machine.project_version import project_version
from pointwise_bench.suites.harness.machine.thread_variables import worker_variables

LONGEST_S: Final = 1800.0
"""Of one start beside its rounds: the compilers of large models take minutes."""
_LAST: Final = 300
"""Characters of what a process said last, where it ends without an answer."""


class NoStart(Exception):
    """A start came to nothing; the text is one line."""


class BadModel(Exception):
    """What was named cannot be made or called; the text is one line."""


@dataclass(frozen=True)
class AskedModel:
    """A model and how it is to be measured."""

    model: str
    inputs: tuple[tuple[int, ...], ...]
    threads: int
    seconds: float
    rounds: int
    """Of one start at most."""
    skipped: tuple[str, ...] = ()


def one_start(asked: AskedModel) -> dict[str, Any]:
    """What ``start.measured`` returns there. Raises ``NoStart`` and ``BadModel``."""
    request = {**vars(asked), "parent": os.getpid()}
    command = [sys.executable, "-W", "ignore", "-m", "pointwise_bench.optimizing.start"]
    # A session of its own: whoever it has started ends with it, compilers and stopped processes included.
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=worker_variables(asked.threads),
        start_new_session=True,
    ) as process:
        try:
            printed, said = process.communicate(json.dumps(request) + "\n", LONGEST_S + asked.seconds)
        except subprocess.TimeoutExpired:
            raise NoStart(f"{asked.model}: took more than {LONGEST_S:.0f} s to be made ready") from None
        finally:
            _end(process)
    return _answer(printed, said, process.returncode, asked.model)


def _end(process: subprocess.Popen[str]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _answer(printed: str, said: str, code: int, model: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(printed)
    except json.JSONDecodeError:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        last = " ".join(said.split())[-_LAST:]
        raise NoStart(f"{model}: its process ended with {how}{': ' + last if last else ''}") from None
    if "error" in answer:
        raise BadModel(answer["error"])
    return answer


def entry_of(asked: AskedModel, starts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The starts as one entry of ``models.json``."""
    ways = {name: _way([start["ways"][name] for start in starts]) for name in MODEL_WAYS}
    sizes = [len(start["ways"][EAGER]["samples_s"]) for start in starts]
    return {
        "model": asked.model,
        "input": starts[0]["input"],
        "threads": asked.threads,
        "measured_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "project": project_version(),
        "packages": packages(),
        "used": [start["used"] for start in starts],
        "why": [start["why"] for start in starts],
        "start": [number for number, size in enumerate(sizes) for _ in range(size)],
        "ways": ways,
        "layers": _layers(starts),
    }


def _way(of_starts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One way over all starts; without times where it had none in one of them: it has too few rounds then."""
    for start in of_starts:
        if start["status"] != "ok":
            return {"status": start["status"], "reason": start["reason"], "samples_s": [], "differs": None}
    differs = [start["differs"] for start in of_starts]
    return {
        "status": "ok",
        "reason": "",
        "samples_s": [one for start in of_starts for one in start["samples_s"]],
        "differs": None if None in differs else max(differs),
    }


def _layers(starts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each layer with who computed it in each start, and why in the first."""
    others = [{layer["name"]: layer["way"] for layer in start["layers"]} for start in starts]
    return [
        {
            "name": layer["name"],
            "ways": [own.get(layer["name"], "") for own in others],
            "why": layer["why"],
            "with": _taken_in(layer),
        }
        for layer in starts[0]["layers"]
    ]


def _taken_in(layer: Mapping[str, Any]) -> list[str]:
    parts = [("with_norm", "normalisation"), ("with_scale", "scale"), ("with_add", "addition")]
    taken = [word for key, word in parts if layer[key]]
    return [*taken, layer["activation"]] if layer["activation"] != "none" else taken
