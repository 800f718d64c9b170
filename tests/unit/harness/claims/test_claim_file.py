"""Results of claims: what several starts come to, worked out by hand, and what the file keeps of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pointwise_bench.suites.harness.claims.claim_file import ClaimFile, ClaimResult
from pointwise_bench.suites.harness.claims.timed_claim import ClaimSamples


def result(claim: str = "stride", backend: str = "a", threads: int = 1) -> ClaimResult:
    return ClaimResult(claim, backend, threads, "cpu", "fresh", "worker", "2026-01-02T03:04:05Z")


def samples(
    direct: list[float], product_s: float, smallest: list[float], error_ratio: float | None, cpu: float, calls: int
) -> ClaimSamples:
    """One start with two variants, of which the second has two branches."""
    return ClaimSamples(
        calls={"direct": calls, "split": 1},
        samples_s={"direct": direct, "split": [5e-3] * len(direct)},
        branches_s={"direct": {}, "split": {"left": [2e-3] * len(direct)}},
        steps_s={"direct": {"whole": {"product": product_s}}, "split": {"left": {"patches": 1e-3}, "right": {}}},
        smallest_call_s=smallest,
        error_ratio=error_ratio,
        cpu_over_wall=cpu,
    )


ONE = samples([1e-3, 2e-3], 1e-3, [1e-6, 3e-6], 0.5, 0.9, calls=3)
TWO = samples([3e-3], 4e-3, [2e-6], None, 1.1, calls=4)


def united(starts: dict[int, ClaimSamples]) -> ClaimResult:
    whole = result()
    whole.unite_starts(starts)
    return whole


def test_starts_stand_one_after_the_other() -> None:
    whole = united({0: ONE, 4: TWO})
    assert whole.process == [0, 0, 4]
    assert whole.samples_s == {"direct": [1e-3, 2e-3, 3e-3], "split": [5e-3] * 3}
    assert whole.branches_s == {"split": {"left": [2e-3] * 3}}
    assert whole.calls == {"direct": [3, 4], "split": [1, 1]}


def test_steps_and_the_smallest_call_are_medians_errors_and_processors_the_largest() -> None:
    """Of 1 and 4 ms the median is 2.5 ms; of 1, 3 and 2 microseconds 2."""
    whole = united({0: ONE, 1: TWO})
    assert whole.steps_s == {
        "direct": {"whole": {"product": 2.5e-3}},
        "split": {"left": {"patches": 1e-3}, "right": {}},
    }
    assert whole.smallest_call_s == 2e-6
    assert whole.error_ratio == 0.5
    assert whole.cpu_over_wall == 1.1


def test_what_no_start_has_is_none() -> None:
    whole = united({0: samples([1e-3], 1e-3, [], None, 0.5, calls=1)})
    assert whole.smallest_call_s is whole.error_ratio is None


def test_a_time_has_five_digits() -> None:
    assert united({0: samples([1.23456789e-3], 1e-3, [], None, 1.0, calls=1)}).samples_s["direct"] == [1.2346e-3]


def test_a_claim_that_ended_keeps_no_number_that_it_did_not_earn() -> None:
    whole = united({0: ONE})
    whole.end("wrong", "because", 7.0)
    assert (whole.status, whole.reason, whole.error_ratio) == ("wrong", "because", 7.0)
    assert whole.process == []
    assert [whole.samples_s, whole.branches_s, whole.calls, whole.steps_s] == [{}] * 4
    assert whole.smallest_call_s is whole.cpu_over_wall is None


# --- on disk ------------------------------------------------------------------------------------------------------


def test_results_come_back_as_they_were(tmp_path: Path) -> None:
    one, other = united({0: ONE, 1: TWO}), result("stride", "b", 2)
    other.end("wrong", "because", 7.0)
    ClaimFile(tmp_path).append([one])
    ClaimFile(tmp_path).append([other])
    read = ClaimFile(tmp_path)
    assert len(read) == 2
    assert read.result(("stride", "a", 1)) == one
    assert read.result(("stride", "b", 2)) == other
    assert ("stride", "a", 1) in read
    assert ("stride", "a", 2) not in read
    assert read.statuses == {"ok": 1, "wrong": 1}
    with pytest.raises(KeyError):
        read.result(("stride", "a", 2))


@pytest.mark.parametrize("bad", [b"{", b"null\n", b'{"claim": "stride"}\n', b"[]\n"])
def test_a_line_that_is_no_result_is_cut_out(tmp_path: Path, bad: bytes) -> None:
    ClaimFile(tmp_path).append([result()])
    path = tmp_path / "claims.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + bad)
    assert len(ClaimFile(tmp_path)) == 1
    assert path.read_bytes() == whole


def test_the_key_of_a_line_that_is_no_result_is_told(tmp_path: Path) -> None:
    ClaimFile(tmp_path).append([result()])
    assert ClaimFile(tmp_path).damage is None
    path = tmp_path / "claims.jsonl"
    path.write_text(path.read_text().replace('"samples_s":{}', '"samples_s":{"direct":[1.0,null]}'))
    damage = ClaimFile(tmp_path).damage
    assert damage is not None
    assert (damage.number, damage.fault) == (1, "stride a (1 thread): samples_s.direct[1] cannot be read")


def test_keys_of_a_later_version_are_ignored(tmp_path: Path) -> None:
    ClaimFile(tmp_path).append([result()])
    path = tmp_path / "claims.jsonl"
    path.write_text(path.read_text().replace('{"claim"', '{"invented_later":1,"claim"'))
    assert ClaimFile(tmp_path).result(("stride", "a", 1)) == result()
