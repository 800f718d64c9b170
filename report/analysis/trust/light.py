"""How far the numbers of a run can be trusted, as one of three lights with its reason and what helps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from pointwise_bench.common.status import SKIPPED
from pointwise_bench.report.analysis.trust.health import STARVED, disturbed_share, starved_share, unstable

if TYPE_CHECKING:
    import pandas as pd

    from pointwise_bench.report.analysis.trust.controls import ControlsFound
    from pointwise_bench.report.reading.run import Run

Level = Literal["all", "ratios", "again"]

# Pairing takes out what lasts longer than a round. Where most rounds are disturbed, they are so within the round, too.
_MOST_DISTURBED: Final = 0.5
_MOST_STARVED: Final = 0.3
# By the rule of verdicts one problem in twenty may have a false one; a fifth of them is something else.
_FALSE_ALARMS: Final = 0.2

_TITLES: Final[dict[Level, str]] = {
    "all": "Trust all numbers",
    "ratios": "Trust the ratios only",
    "again": "Measure again",
}
_QUIET: Final = "close what else is running, or take a machine that is shared with nobody, and run it again"


@dataclass(frozen=True)
class Light:
    """``level`` is what can be trusted: all numbers, the ratios of paired rounds only, or none before another run."""

    level: Level
    reason: str
    remedy: str

    @property
    def title(self) -> str:
        """The level in words: a colour alone is lost on some readers and on paper."""
        return _TITLES[self.level]


def light_of(run: Run, timings: pd.DataFrame, controls: ControlsFound) -> Light:
    """The worst light that anything in the run gives."""
    return _again(run, timings, controls) or _ratios(run) or Light("all", _steady(run), "")


def _again(run: Run, timings: pd.DataFrame, controls: ControlsFound) -> Light | None:
    if not timings["rank"].notna().any():
        if not run.settings.get("finished_at") and all(cell.status in SKIPPED for cell in run.cells):
            return Light("again", "the run ended before a problem had all of its passes", "go on with it (--resume)")
        return Light("again", "no cell has a time that may be compared", "see the failures below, and run it again")
    if said := wrong_controls(controls):
        return Light("again", said, f"verdicts do not hold here: {_QUIET}")
    share = disturbed_share(run)
    if share is not None and share > _MOST_DISTURBED:
        return Light("again", f"a fixed piece of work was disturbed in {share:.0%} of the rounds", _QUIET)
    if (starved := starved_share(run)) > _MOST_STARVED:
        said = f"{starved:.0%} of the cells had less than {STARVED:g} processors while they were timed"
        return Light("again", f"{said}: threads that wait for one another lose most by that", _QUIET)
    return None


def _ratios(run: Run) -> Light | None:
    if moved := unstable(run):
        return Light("ratios", f"{moved}; pairs took turns in the same rounds and survive this", f"for times: {_QUIET}")
    if disturbed_share(run) is None:
        return Light("ratios", "nothing watched the machine: this run has no canary", "for times: run it again")
    if warned := run.settings["environment"].get("warnings"):
        more = f", and {len(warned) - 1} more below" if len(warned) > 1 else ""
        return Light("ratios", f"{warned[0]}{more}", "for times: mend that, and run it again")
    return None


def _steady(run: Run) -> str:
    return f"a fixed piece of work was steady in {1 - (disturbed_share(run) or 0.0):.1%} of the rounds"


def wrong_controls(controls: ControlsFound) -> str:
    """Of backends whose truth is known; empty where the verdicts on them were right."""
    alike = [one for one in controls.verdicts if one.percent == 0]
    different = sum(one.verdict in ("faster", "slower") for one in alike)
    inverted = sum(one.percent > 0 and one.verdict == "slower" for one in controls.verdicts)
    if inverted:
        return f"a backend that was slowed on purpose was called faster in {inverted} of {len(controls.verdicts)}"
    if different > max(1.0, _FALSE_ALARMS * len(alike)):
        return f"a backend was called different from itself in {different} of {len(alike)}"
    return ""
