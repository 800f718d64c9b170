"""Which claims a run is to measure, with which backends, and how much of its time is for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from pointwise_bench.common.status import SKIPPED
from pointwise_bench.suites.claims import Claim
from pointwise_bench.suites.harness.claims.claim_file import ClaimFile, ClaimKey, ClaimResult
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.design.time_budget import TimeBudget
from pointwise_bench.suites.harness.run.claim_passes import ClaimPasses, Task
from pointwise_bench.suites.harness.run.options import Options
from pointwise_bench.suites.harness.run.plan import Plan
from pointwise_bench.suites.harness.worker.pool import Pool

GROUP: Final = "claims"


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
        """Every backend that is asked for a claim."""
        return sorted({backend for backend, _ in self._claims})

    @property
    def thread_budgets(self) -> list[int]:
        """Every thread budget that a claim has."""
        return sorted({threads for _, threads in self._claims})

    @property
    def described(self) -> list[dict[str, Any]]:
        """What ``run.json`` says of the claims; each once."""
        each = {claim.name: claim for claims in self._claims.values() for claim in claims}
        return [claim.described for claim in each.values()]

    def complete(self, claim_file: ClaimFile) -> bool:
        """Whether every planned claim has a result."""
        return all(key in claim_file for key in self)

    # --- time -----------------------------------------------------------------------------------------------

    @property
    def usual_s(self) -> float:
        """Seconds of a run that has nothing but claims and was given no time budget."""
        return POLICY.claims.alone_s * max(1, len(self.thread_budgets))

    def stand_alone(self, plan: Plan) -> bool:
        """Whether the run measures nothing but claims and the problems of their group."""
        return bool(self) and all(place.group == GROUP for planned in plan for place in planned.places)

    def hurried(self, options: Options, plan: Plan) -> Options:
        """Options for the cells: in a run of claims alone with a short time-out, so that hanging costs little."""
        wait_s = min(options.timeout_s, POLICY.claims.longest_wait_alone_s)
        return replace(options, timeout_s=wait_s) if self.stand_alone(plan) else options

    def reserve_s(self, budget_s: float | None) -> float:
        """How much of a budget is kept back for the claims while the cells are measured."""
        return POLICY.claims.share * budget_s if self and budget_s is not None else 0.0

    def release_s(self, budget: TimeBudget) -> float:
        """Give back to the budget what was kept for the claims, and return the seconds that they may take."""
        reserve_s = self.reserve_s(budget.seconds)
        if budget.seconds is None:
            return POLICY.claims.seconds * len(self.thread_budgets)
        budget.closing_s -= reserve_s
        return budget.left_s()

    # --- measuring ------------------------------------------------------------------------------------------

    def run(
        self,
        seconds: float,
        options: Options,
        claim_file: ClaimFile,
        pool: Pool,
        seed: int,
        announce: Callable[[str], None],
    ) -> None:
        """Measure what ``claim_file`` lacks."""
        tasks = [Task(backend, threads, tuple(claims)) for (backend, threads), claims in self._claims.items()]
        ClaimPasses(tasks, options, claim_file, pool, seed, announce).run(seconds)

    def summary(self, claim_file: ClaimFile) -> Iterator[str]:
        """How many results there are of each status, and what failed and why, for the last lines of a run."""
        if not self:
            return
        counts = ", ".join(f"{count} {status}" for status, count in claim_file.statuses.items())
        missing = sum(key not in claim_file for key in self)
        yield f"{len(claim_file)} claims of single backends: {counts}" + (
            f"; {missing} not measured" if missing else ""
        )
        found: dict[tuple[str, str], list[ClaimResult]] = {}
        for key in self:
            if key in claim_file and (result := claim_file.result(key)).status not in ("ok", *SKIPPED):
                found.setdefault((result.backend, result.status), []).append(result)
        for (backend, status), results in found.items():
            others = f", and {len(results) - 1} more" if len(results) > 1 else ""
            yield f"{backend}: {status} on {results[0].claim}{others}: {results[0].reason}"
