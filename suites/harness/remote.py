"""The vocabulary between a worker and its process: each question once as a message, once as a call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

from backends import Problem
from suites.claims import Claim
from suites.harness.blocks import read_block, write_block
from suites.harness.channel import Message
from suites.harness.claim_question import ClaimQuestion
from suites.harness.claimant import Claimant
from suites.harness.examination import Examination, Weights
from suites.harness.outcome import one_line
from suites.harness.subject import Subject, libraries

Answer = tuple[Message, tuple[int, ...]]
Handler = Callable[[Subject, Message, list[int]], Answer]


def _value(value: Any) -> Answer:
    return {"value": value}, ()


def _missing(subject: Subject, message: Message, descriptors: list[int]) -> Answer:
    return _value(_reason(subject.backend.missing(), "missing"))


def _refuses(subject: Subject, message: Message, descriptors: list[int]) -> Answer:
    return _value(_reason(subject.backend.refuses(Problem.parse(message["problem"])), "refuses"))


def _reason(answer: Any, method: str) -> str | None:
    """A backend's sentence on one line, or None; ``TypeError`` for what is neither."""
    if answer is None:
        return None
    reason = one_line(str.__str__(answer)) if isinstance(answer, str) else ""
    if not reason:
        what = f"{type(answer).__name__} {one_line(repr(answer), 40)}"
        raise TypeError(f"{method}() returned {what}, which is neither a sentence nor None")
    return reason


def _examine(subject: Subject, message: Message, descriptors: list[int]) -> Answer:
    examination = Examination.from_block(descriptors[0])
    problem = Problem.parse(message["problem"])
    return _value(asdict(subject.examine(problem, examination, message["cache"], whole=message["whole"])))


def _turn(subject: Subject, message: Message, descriptors: list[int]) -> Answer:
    return _value(asdict(subject.turn(message["calls"], message["warm_s"], message["cores"])))


def _idle(subject: Subject, message: Message, descriptors: list[int]) -> Answer:
    return _value(subject.idle(message["settled_s"]))


def _conclude(subject: Subject, message: Message, descriptors: list[int]) -> Answer:
    return _value(asdict(subject.conclude()))


def _apply(subject: Subject, message: Message, descriptors: list[int]) -> Answer:
    arrays = read_block(descriptors[0])
    weights = Weights(weight=arrays.get("weight"), bias=arrays.get("bias"))
    result = subject.apply(Problem.parse(message["problem"]), weights, arrays["x"])
    return {"value": None}, (write_block({"result": result}),)


def _show(subject: Subject, message: Message, descriptors: list[int]) -> Answer:
    question = ClaimQuestion.from_block(Claim.read(message["claim"]), descriptors[0])
    claimant = Claimant(subject.backend, subject.threads, question)
    return _value(claimant.show(message["seconds"], message["seed"], message["cores"]).written())


def _libraries(subject: Subject, message: Message, descriptors: list[int]) -> Answer:
    return _value(libraries())


def _ran(subject: Subject, message: Message, descriptors: list[int]) -> Answer:
    return _value(_reason(subject.backend.ran(), "ran"))


HANDLERS: Final[dict[str, Handler]] = {
    "missing": _missing,
    "refuses": _refuses,
    "examine": _examine,
    "turn": _turn,
    "idle": _idle,
    "conclude": _conclude,
    "apply": _apply,
    "show": _show,
    "libraries": _libraries,
    "ran": _ran,
}
