"""What a worker process does for each message of the harness: one function for each value of the message's ``do``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, Final

from pointwise_bench import Problem
from pointwise_bench.suites.claims import Claim
from pointwise_bench.suites.harness.claims.claim_inputs import ClaimInputs
from pointwise_bench.suites.harness.claims.timed_claim import TimedClaim
from pointwise_bench.suites.harness.memory.shared_arrays import read_block, write_block
from pointwise_bench.suites.harness.record.text import one_line
from pointwise_bench.suites.harness.timing.process_statistics import libraries
from pointwise_bench.suites.harness.timing.properties import examine
from pointwise_bench.suites.harness.timing.timed_layer import TimedLayer
from pointwise_bench.suites.harness.timing.timed_sequence import TimedSequence
from pointwise_bench.suites.harness.verify.questions import AFTER, BEFORE, Questions, Weights, results_at
from pointwise_bench.suites.harness.worker.channel import Message

Reply = tuple[Message, tuple[int, ...]]
Handler = Callable[[TimedLayer, Message, list[int]], Reply]


def _value(value: Any) -> Reply:
    return {"value": value}, ()


def _missing(timed_layer: TimedLayer, message: Message, descriptors: list[int]) -> Reply:
    return _value(_reason(timed_layer.backend.missing(), "missing"))


def _refuses(timed_layer: TimedLayer, message: Message, descriptors: list[int]) -> Reply:
    return _value(_reason(timed_layer.backend.refuses(Problem.parse(message["problem"])), "refuses"))


def _reason(answer: Any, method: str) -> str | None:
    """A backend's sentence on one line, or None; ``TypeError`` for what is neither."""
    if answer is None:
        return None
    reason = one_line(str.__str__(answer)) if isinstance(answer, str) else ""
    if not reason:
        what = f"{type(answer).__name__} {one_line(repr(answer), 40)}"
        raise TypeError(f"{method}() returned {what}, which is neither a sentence nor None")
    return reason


def _set_up(timed_layer: TimedLayer, message: Message, descriptors: list[int]) -> Reply:
    problem = Problem.parse(message["problem"])
    questions = Questions.from_block(descriptors[0])
    with results_at(descriptors[1], BEFORE, problem) as results:
        prepared = timed_layer.set_up(problem, questions, results, message["cache"], whole=message["whole"])
    return _value(asdict(prepared))


def _warm_up(timed_layer: TimedLayer, message: Message, descriptors: list[int]) -> Reply:
    return _value(asdict(timed_layer.warm_up()))


def _device_time(timed_layer: TimedLayer, message: Message, descriptors: list[int]) -> Reply:
    return _value(timed_layer.device_time(message["calls"], message["cores"]))


def _turn(timed_layer: TimedLayer, message: Message, descriptors: list[int]) -> Reply:
    turn = timed_layer.turn(message["calls"], message["warm_s"], message["cores"], message["places"])
    if (taken := timed_layer.hand_over()) is None:
        return _value(asdict(turn))
    return {"value": asdict(replace(turn, taken_line=taken.line))}, (taken.descriptor,)


def _idle(timed_layer: TimedLayer, message: Message, descriptors: list[int]) -> Reply:
    return _value(timed_layer.idle(message["settled_s"]))


def _check_answers(timed_layer: TimedLayer, message: Message, descriptors: list[int]) -> Reply:
    with results_at(descriptors[0], AFTER, Problem.parse(message["problem"])) as results:
        return _value(asdict(timed_layer.answer_again(results, message["thorough_s"])))


def _finish(timed_layer: TimedLayer, message: Message, descriptors: list[int]) -> Reply:
    return _value(asdict(timed_layer.close()))


def _apply(timed_layer: TimedLayer, message: Message, descriptors: list[int]) -> Reply:
    arrays = read_block(descriptors[0])
    weights = Weights(weight=arrays.get("weight"), bias=arrays.get("bias"))
    result = timed_layer.apply(Problem.parse(message["problem"]), weights, arrays["x"])
    return {"value": None}, (write_block({"result": result}),)


def _time_claim(timed_layer: TimedLayer, message: Message, descriptors: list[int]) -> Reply:
    inputs = ClaimInputs.from_block(Claim.read(message["claim"]), descriptors[0])
    timed_claim = TimedClaim(timed_layer.backend, timed_layer.threads, inputs)
    return _value(timed_claim.measure(message["seconds"], message["seed"], message["cores"]).written())


def _time_sequence(timed_layer: TimedLayer, message: Message, descriptors: list[int]) -> Reply:
    layers = [(Problem.parse(problem), count) for problem, count in message["layers"]]
    timed_sequence = TimedSequence(timed_layer.backend, timed_layer.threads, layers)
    return _value(timed_sequence.measure(message["seconds"], message["seed"], message["cores"]).written())


def _libraries(timed_layer: TimedLayer, message: Message, descriptors: list[int]) -> Reply:
    return _value(libraries())


def _ran(timed_layer: TimedLayer, message: Message, descriptors: list[int]) -> Reply:
    return _value(_reason(timed_layer.backend.ran(), "ran"))


def _examine(timed_layer: TimedLayer, message: Message, descriptors: list[int]) -> Reply:
    found = examine(timed_layer.backend, timed_layer.threads)
    return _value(None if found is None else asdict(found))


HANDLERS: Final[dict[str, Handler]] = {
    "missing": _missing,
    "refuses": _refuses,
    "set_up": _set_up,
    "warm_up": _warm_up,
    "device_time": _device_time,
    "turn": _turn,
    "idle": _idle,
    "check_answers": _check_answers,
    "finish": _finish,
    "apply": _apply,
    "time_claim": _time_claim,
    "time_sequence": _time_sequence,
    "libraries": _libraries,
    "ran": _ran,
    "examine": _examine,
}
