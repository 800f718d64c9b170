"""Which claims a run is to measure, with whom, and how much of its time is theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from pointwise_bench.common.status import SKIPPED
from pointwise_bench.suites.claims import Claim
from pointwise_bench.suites.harness.claims.claim_file import ClaimFile, ClaimKey, ClaimResult
from pointwise_bench.suites.harness.design.time_budget import TimeBudget
from pointwise_bench.suites.harness.run.claim_passes import CLAIMS_S, ClaimPasses, Task
from pointwise_bench.suites.harness.run.options import Options
from pointwise_bench.suites.harness.run.plan import Plan
from pointwise_bench.suites.harness.worker.pool import Pool

GROUP: Final = "claims"
USUAL_S: Final = 234.0  # of a run of claims alone: under the four minutes in which a lecture's audience waits
LONGEST_WAIT_S: Final = 15.0  # for one cell of such a run
SHARE: Final = 0.76  # of a time budget: a claim has a dozen products, a problem of the group one


class ClaimPlan:
    """The claims of a run, by backend and thread budget in the order in which they were added."""

    def __init__(self) -> None:
        self._claims: dict[tuple[str, int], list[Claim]] = {}

    def add(self, claim: Claim, threads: int, backend: str) -> None:
        """Add one claim of one backend."""
        self._claims.setdefault((backend, threads), []).append(claim)

    def __bool__(self) -> bool:
        return bool(self._claims)

    def __iter__(self) -> Iterator[ClaimKey]:
        return ((claim.name, *pair) for pair, claims in self._claims.items() for claim in claims)

    @property
    def backends(self) -> list[str]:
        """Everybody who is asked for a claim."""
        return sorted({backend for backend, _ in self._claims})

    @property
    def thread_budgets(self) -> list[int]:
        """Every thread budget that a claim has."""
        return sorted({threads for _, threads in self._claims})

    @property
    def described(self) -> list[dict[str, Any]]:
        """What the run says of its claims; each once."""
        each = {claim.name: claim for claims in self._claims.values() for claim in claims}
        return [claim.described for claim in each.values()]

    def complete(self, record: ClaimFile) -> bool:
        """Whether every planned claim is there."""
        return all(key in record for key in self)

    # --- time -----------------------------------------------------------------------------------------------

    @property
    def usual_s(self) -> float:
        """TimeBudget of a run that has nothing but claims and was given none."""
        return USUAL_S * max(1, len(self.thread_budgets))

    def stand_alone(self, plan: Plan) -> bool:
        """Whether the run measures nothing but claims and the problems of their group."""
        return bool(self) and all(place.group == GROUP for event in plan for place in event.places)

    def hurried(self, settings: Options, plan: Plan) -> Options:
        """Options for the cells: where claims stand alone, no backend that hangs may take the others' minutes."""
        wait_s = min(settings.timeout_s, LONGEST_WAIT_S)
        return replace(settings, timeout_s=wait_s) if self.stand_alone(plan) else settings

    def reserve_s(self, budget_s: float | None) -> float:
        """How much of a budget is kept back for the claims while the cells are measured."""
        return SHARE * budget_s if self and budget_s is not None else 0.0

    def seconds(self, budget: TimeBudget) -> float:
        """How long the claims may take: what was kept back, and what the cells have left of the rest."""
        reserve_s = self.reserve_s(budget.seconds)
        if budget.seconds is None:
            return CLAIMS_S * len(self.thread_budgets)
        budget.closing_s -= reserve_s
        return budget.left_s()

    # --- measuring ------------------------------------------------------------------------------------------

    def run(
        self,
        seconds: float,
        settings: Options,
        results: ClaimFile,
        pool: Pool,
        seed: int,
        announce: Callable[[str], None],
    ) -> None:
        """Measure what ``results`` lacks."""
        tasks = [Task(backend, threads, tuple(claims)) for (backend, threads), claims in self._claims.items()]
        ClaimPasses(tasks, settings, results, pool, seed, announce).run(seconds)

    def summary(self, record: ClaimFile) -> Iterator[str]:
        """What came out, and what failed and why, for the last lines of a run."""
        if not self:
            return
        counts = ", ".join(f"{count} {status}" for status, count in record.statuses.items())
        missing = sum(key not in record for key in self)
        yield f"{len(record)} claims of single backends: {counts}" + (f"; {missing} not measured" if missing else "")
        found: dict[tuple[str, str], list[ClaimResult]] = {}
        for key in self:
            if key in record and (finding := record.finding(key)).status not in ("ok", *SKIPPED):
                found.setdefault((finding.backend, finding.status), []).append(finding)
        for (backend, status), findings in found.items():
            others = f", and {len(findings) - 1} more" if len(findings) > 1 else ""
            yield f"{backend}: {status} on {findings[0].claim}{others}: {findings[0].reason}"
