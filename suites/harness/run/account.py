"""The account of a run that is over, or was left: what it came to, what fell short, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pointwise_bench.backends import registry
from pointwise_bench.suites.harness.claims.claim_file import ClaimFile
from pointwise_bench.suites.harness.record.outcome import Asked, Outcome, endings, shortfalls
from pointwise_bench.suites.harness.record.run_folder import RunFolder
from pointwise_bench.suites.harness.run.claim_plan import ClaimPlan
from pointwise_bench.suites.harness.run.options import Options
from pointwise_bench.suites.harness.run.plan import Plan


@dataclass(frozen=True)
class Account:
    """In sentences for a terminal, from what was planned and what is written."""

    options: Options
    plan: Plan
    claims: ClaimPlan
    run_folder: RunFolder
    claim_results: ClaimFile

    def summary(self) -> Iterator[str]:
        """How many cells there are of each status, what failed and why, and where the time went."""
        statuses, totals = self.run_folder.cells.statuses, self.run_folder.run.get("totals")
        counts = ", ".join(f"{count} {status}" for status, count in statuses.items())
        count = sum(statuses.values())
        yield f"{count} cell{'s' * (count != 1)}: {counts or 'none'}"
        failed = map(self.run_folder.cells.__getitem__, sorted(self.run_folder.cells.failed))
        yield from endings(failed, self._asked().by_name)
        yield from self.claims.summary(self.claim_results)
        if totals is not None:  # a session whose end the disk did not take has none, or an earlier session's
            yield (
                f"{totals['wall_s']:.0f} s in all, {totals['timed_s']:.0f} s "
                f"({100 * totals['timed_share']:.0f} %) of it inside timed calls"
            )
        if undecided := self.run_folder.run.get("undecided"):
            yield f"{undecided['pairs']} pairs on {undecided['problems']} problems stayed undecided"

    def what_next(self) -> Iterator[str]:
        """Where the run is, and the command that writes its report."""
        finished = self.run_folder.run["finished_at"] is not None
        yield f"run{'' if finished else ', unfinished (--resume goes on with it)'}: {self.run_folder.folder}"
        yield f"report: pointwise-bench report {self.run_folder.folder}"

    def shortfalls(self, *, interrupted: bool = False) -> list[str]:
        """Why the run does not count as one that went well, in sentences; none where it does."""
        cells = self.run_folder.cells
        found = [
            Outcome(cell.backend, cell.status, cell.reason)
            for planned in self.plan
            for name in planned.backends
            if (name, *planned.key) in cells
            for cell in [cells[name, *planned.key]]
        ]
        found += [
            Outcome(result.backend, result.status, result.reason)
            for key in self.claims
            if key in self.claim_results
            for result in [self.claim_results.result(key)]
        ]
        unfinished = self.run_folder.run["finished_at"] is None
        return list(shortfalls(found, self._asked()._replace(interrupted=interrupted), unfinished=unfinished))

    def _asked(self) -> Asked:
        plugins, options = self.options.plugins, self.options
        unloadable = {name: str(registry.get(name).missing()) for name in registry.unloadable(plugins)}
        return Asked(options.backends, registry.names_of_plugins(plugins), unloadable, options.time_budget_s)
