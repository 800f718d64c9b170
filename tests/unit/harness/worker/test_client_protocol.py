"""Cases that are shared: written once, when the first worker needs them, and freed once."""

from __future__ import annotations

import os

import numpy as np
import pytest

from pointwise_bench import Problem
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.questions import Questions
from pointwise_bench.suites.harness.worker.client import WorkerClient
from pointwise_bench.suites.harness.worker.client_protocol import Client, SharedCases
from pointwise_bench.suites.harness.worker.in_process import InProcessClient

PROBLEM = Problem(batch=1, in_channels=3, out_channels=2, height=2, width=2)


@pytest.fixture
def cases() -> CaseSet:
    return CaseSet.of(PROBLEM, seed=1)


def test_nothing_is_written_before_it_is_needed(cases: CaseSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in this process, where nobody reads a block."""
    monkeypatch.setattr(Questions, "to_block", lambda self: pytest.fail("written"))
    SharedCases(PROBLEM, cases).close()


def test_all_workers_read_one_block_and_closing_frees_it_once(cases: CaseSet) -> None:
    shared = SharedCases(PROBLEM, cases)
    descriptor = shared.descriptor()
    assert shared.descriptor() == descriptor
    first, second = (Questions.from_block(os.dup(descriptor)) for _ in range(2))
    shared.close()
    shared.close()  # twice is safe: the number may mean another file by now
    with pytest.raises(OSError):
        os.fstat(descriptor)
    for arrived in (first, second):  # the mapping lives as long as its arrays
        assert np.array_equal(arrived.first[0], cases.first.inputs[0])


def test_closed_cases_can_be_shared_again(cases: CaseSet) -> None:
    shared = SharedCases(PROBLEM, cases)
    shared.descriptor()
    shared.close()
    assert Questions.from_block(os.dup(shared.descriptor())).first[0].shape == PROBLEM.input_shape
    shared.close()


def test_inputs_are_hot_unless_it_is_said(cases: CaseSet) -> None:
    assert SharedCases(PROBLEM, cases).cache == "hot"
    assert SharedCases(PROBLEM, cases, "cold").cache == "cold"


@pytest.mark.parametrize("client", [WorkerClient, InProcessClient])
def test_both_clients_have_every_method_with_the_same_parameters(client: type[object]) -> None:
    """Mypy compares them where they are used; this also says which one lacks what."""
    for name, method in vars(Client).items():
        if not name.startswith("_"):
            own = vars(client)[name]
            assert (
                own.__code__.co_varnames[: own.__code__.co_argcount]
                == (method.__code__.co_varnames[: method.__code__.co_argcount])
            ), name
