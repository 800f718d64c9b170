"""Passes over the claims with scripted backends: how the time is shared, how many starts, and what is written."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from changed_policy import changed_policy

from pointwise_bench.suites.claims import Claim, get
from pointwise_bench.suites.harness.claims.claim_file import ClaimFile
from pointwise_bench.suites.harness.claims.timed_claim import ClaimSamples
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.run import claim_passes as claim_passes_module
from pointwise_bench.suites.harness.run.claim_passes import ClaimPasses, Task
from pointwise_bench.suites.harness.run.options import Options

CHOSEN = (get("channels-only"), get("mlpconv-1"), get("stride"))  # by the work in them, in which they are asked
Script = Callable[[Claim, int], ClaimSamples]


def times(claim: Claim, start: int) -> ClaimSamples:
    """Two rounds of made-up times."""
    names = [variant.name for variant in claim.variants]
    return ClaimSamples(
        calls=dict.fromkeys(names, 1),
        samples_s={name: [1e-3 * (1 + start), 2e-3] for name in names},
        branches_s={name: {} for name in names},
        steps_s={name: {"whole": {"product": 1e-3}} for name in names},
        smallest_call_s=[1e-6, 1e-6],
        cpu_over_wall=1.0,
    )


class FakePool:
    """Slots whose clients follow a script; counts starts as the real one does."""

    def __init__(self, scripts: dict[str, Script | str]) -> None:
        self._scripts = scripts
        self._slots: dict[tuple[str, int], Any] = {}

    def slot(self, backend: str, threads: int) -> Any:
        """As :meth:`Pool.slot`."""
        script = self._scripts[backend]
        name = SimpleNamespace(name=backend)
        key = (backend, threads)
        slot = self._slots.setdefault(key, SimpleNamespace(backend=name, threads=threads, starts=0, client=None))
        slot.missing = script if isinstance(script, str) else None
        if slot.client is None and not isinstance(script, str):
            slot.starts += 1
            slot.client = self._client(script, slot.starts - 1)
        return slot

    def _client(self, script: Script, number: int) -> Any:
        """A client that answers what the script says of its start ``number``."""
        return SimpleNamespace(time_claim=lambda claim, *_: script(claim, number))

    def dismiss(self, slot: Any) -> None:
        """As :meth:`Pool.dismiss`."""
        slot.client = None

    def restart(self) -> None:
        """As :meth:`Pool.restart`."""
        for slot in self._slots.values():
            slot.client = None


@pytest.fixture
def run_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ClaimFile]:
    """Runs scripts over some claims in given seconds, and returns what was recorded."""
    monkeypatch.setattr(ClaimPasses, "_inputs_of", lambda self, claim: claim)
    declared = SimpleNamespace(device="cpu", output="fresh")
    monkeypatch.setattr(claim_passes_module, "registry", SimpleNamespace(get=lambda name: declared))
    monkeypatch.setattr(claim_passes_module, "POLICY", changed_policy(claims={"restart_s": 1e-6}))

    def run(seconds: float, claims: tuple[Claim, ...] = CHOSEN, **scripts: Script | str) -> ClaimFile:
        claim_file = ClaimFile(tmp_path)
        tasks = [Task(name, 2, claims) for name in scripts]
        ClaimPasses(tasks, Options(), claim_file, FakePool(scripts), 1, lambda line: None).run(seconds)  # type: ignore[arg-type]
        return ClaimFile(tmp_path)  # as it lies on the disk

    return run


def test_every_claim_is_measured_in_every_start(run_passes: Callable[..., ClaimFile]) -> None:
    claim_file = run_passes(60.0, a=times)
    for claim in CHOSEN:
        result = claim_file.result((claim.name, "a", 2))
        assert result.status == "ok"
        assert result.process == [start for start in range(POLICY.rounds.passes) for _ in range(2)]
        assert all(samples[::2] == [1e-3, 2e-3, 3e-3] for samples in result.samples_s.values())
        assert result.smallest_call_s == 1e-6


def test_all_workers_are_started_anew_between_two_starts_and_not_for_each_backend(
    run_passes: Callable[..., ClaimFile],
) -> None:
    """Every backend is visited before any is started again: a start costs more than a claim."""
    visits: list[tuple[str, int]] = []

    def noting(name: str) -> Script:
        def script(claim: Claim, start: int) -> ClaimSamples:
            visits.append((name, start))
            return times(claim, start)

        return script

    run_passes(60.0, a=noting("a"), b=noting("b"))
    assert list(dict.fromkeys(visits)) == [(name, start) for start in range(POLICY.rounds.passes) for name in "ab"]


def test_no_start_is_made_whose_time_would_go_into_starting(
    run_passes: Callable[..., ClaimFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim_passes_module, "POLICY", changed_policy(claims={"restart_s": 0.2}))

    def slow(claim: Claim, start: int) -> ClaimSamples:
        time.sleep(0.1)
        return times(claim, start)

    claim_file = run_passes(1.0, a=slow)  # 0.7 s after the first start: room for one more, not for two
    assert {len(set(claim_file.result((claim.name, "a", 2)).process)) for claim in CHOSEN} == {2}


def test_the_claims_of_the_least_work_come_first_where_not_all_fit(run_passes: Callable[..., ClaimFile]) -> None:
    def slow(claim: Claim, start: int) -> ClaimSamples:
        time.sleep(0.05)
        return times(claim, start)

    claim_file = run_passes(0.01, claims=(get("resnet-block"), *CHOSEN), a=slow)
    assert ("channels-only", "a", 2) in claim_file
    assert ("resnet-block", "a", 2) not in claim_file


def test_a_backend_that_is_missing_takes_no_time_and_says_so(run_passes: Callable[..., ClaimFile]) -> None:
    claim_file = run_passes(60.0, a="is not installed", b=times)
    assert {claim_file.result((claim.name, "a", 2)).status for claim in CHOSEN} == {"unavailable"}
    assert claim_file.statuses == {"ok": 3, "unavailable": 3}


def test_a_wrong_claim_is_void_and_the_others_go_on(run_passes: Callable[..., ClaimFile]) -> None:
    def wrong_at_last(claim: Claim, start: int) -> ClaimSamples:
        if claim.name == "stride" and start == POLICY.rounds.passes - 1:
            raise Ended("wrong", "is wrong", 7.0)
        return times(claim, start)

    claim_file = run_passes(60.0, a=wrong_at_last)
    result = claim_file.result(("stride", "a", 2))
    assert (result.status, result.error_ratio, result.samples_s, result.process) == ("wrong", 7.0, {}, [])
    assert claim_file.statuses == {"ok": 2, "wrong": 1}


def test_a_refusal_and_a_broken_budget_end_a_claim(run_passes: Callable[..., ClaimFile]) -> None:
    def mixed(claim: Claim, start: int) -> ClaimSamples:
        if claim.name == "stride":
            return ClaimSamples(refusal="has no stride")
        samples = times(claim, start)
        samples.cpu_over_wall = 3.0 if claim.name == "mlpconv-1" else 2.05
        return samples

    claim_file = run_passes(60.0, a=mixed)
    assert claim_file.result(("stride", "a", 2)).reason == "has no stride"
    assert claim_file.result(("mlpconv-1", "a", 2)).reason.startswith(
        "used 3.00 CPU seconds per second on a budget of 2"
    )
    assert claim_file.statuses == {"failed": 1, "ok": 1, "unsupported": 1}


def test_after_two_time_outs_in_a_row_a_backend_is_left_alone(run_passes: Callable[..., ClaimFile]) -> None:
    asked = []

    def hangs(claim: Claim, start: int) -> ClaimSamples:
        asked.append(claim.name)
        raise Ended("timed-out", "no answer", alive=False)

    claim_file = run_passes(60.0, a=hangs, b=times)
    assert asked == [claim.name for claim in CHOSEN[:2]]
    assert claim_file.result((CHOSEN[2].name, "a", 2)).reason.startswith("not tried: 2 claims")
    assert claim_file.statuses == {"ok": 3, "timed-out": 3}


def test_what_the_time_does_not_reach_is_left_for_later(run_passes: Callable[..., ClaimFile]) -> None:
    def slow(claim: Claim, start: int) -> ClaimSamples:
        time.sleep(0.05)
        return times(claim, start)

    claim_file = run_passes(0.01, a=slow)
    assert len(claim_file) == 1
    assert set(claim_file.result((CHOSEN[0].name, "a", 2)).process) == {0}
    # What was left is measured by the next session, and what is there stays.
    again = run_passes(60.0, a=slow)
    assert again.statuses == {"ok": 3}
    assert again.result((CHOSEN[0].name, "a", 2)) == claim_file.result((CHOSEN[0].name, "a", 2))


def test_later_starts_measure_what_was_measured_least(
    run_passes: Callable[..., ClaimFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first start's time has room for all three; that of each later one for two."""

    def slow(claim: Claim, start: int) -> ClaimSamples:
        time.sleep(0.1)
        return times(claim, start)

    monkeypatch.setattr(claim_passes_module, "POLICY", changed_policy(claims={"restart_s": 1e-6, "first_share": 0.5}))
    claim_file = run_passes(0.68, a=slow)
    starts = [set(claim_file.result((claim.name, "a", 2)).process) for claim in CHOSEN]
    assert [len(each) for each in starts] in ([3, 2, 2], [2, 2, 3], [2, 3, 2])
    assert all(0 in each for each in starts)


def test_what_fast_backends_leave_is_for_the_slow(run_passes: Callable[..., ClaimFile]) -> None:
    def slow(claim: Claim, start: int) -> ClaimSamples:
        time.sleep(0.04)
        return times(claim, start)

    # Its own share has room for one claim, three times; the other's for the rest.
    claim_file = run_passes(0.8, a=slow, b=times)
    assert claim_file.statuses == {"ok": 6}
