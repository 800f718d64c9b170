"""What verdicts were found to be worth on this machine, by ``pointwise-bench calibrate``; shown beside them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pointwise_bench.common.formats import CALIBRATION_FILE, CALIBRATION_FORMAT, MOST_BESIDE_BYTES
from pointwise_bench.report.analysis.wording import threads_of
from pointwise_bench.report.reading.errors import ReportError
from pointwise_bench.report.reading.json_lines import bytes_of, json_of
from pointwise_bench.report.reading.run import Run
from pointwise_bench.report.reading.value_readers import Defect, KeyRule, list_of, object_of, text, whole

_COUNT: Final = whole(0, 2**31)
_PAIRS: Final = {"pairs": KeyRule(_COUNT), "same": KeyRule(_COUNT, 0), "undecided": KeyRule(_COUNT, 0)}
_SLOWER: Final = _PAIRS | {"percent": KeyRule(_COUNT), "found": KeyRule(_COUNT), "wrong_sign": KeyRule(_COUNT, 0)}
_CONDITION: Final = {
    "threads": KeyRule(_COUNT),
    "load": KeyRule(text),
    "problems": KeyRule(_COUNT),
    "same": KeyRule(object_of(_PAIRS | {"called_different": KeyRule(_COUNT)})),
    "slower": KeyRule(list_of(object_of(_SLOWER)), []),
}
_CALIBRATION: Final = {
    "format": KeyRule(whole(1, CALIBRATION_FORMAT)),
    "conditions": KeyRule(list_of(object_of(_CONDITION)), []),
}


@dataclass(frozen=True)
class Rates:
    """One line of the table: how often the verdicts erred and found under one condition."""

    condition: str
    false_alarms: str
    found: Mapping[int, str]
    wrong_signs: int


def calibration(run: Run) -> tuple[list[Rates], str]:
    """The rates of the run's machine, or none and a sentence why."""
    path = run.folder.resolve().parent / CALIBRATION_FILE
    remedy = "'pointwise-bench calibrate' measures it"
    if not os.path.lexists(path):
        return [], f"What verdicts are worth on this machine has not been measured; {remedy}."
    try:
        conditions = object_of(_CALIBRATION)(json_of(bytes_of(path, MOST_BESIDE_BYTES)))["conditions"]
    except (ReportError, Defect) as error:
        said = error.reason if isinstance(error, ReportError) else str(error)
        reason = " ".join(said.split())[:200]
        return [], f"{CALIBRATION_FILE} beside the run cannot be used ({reason}); {remedy}."
    return [_rates(each) for each in conditions], ""


def _rates(condition: Mapping[str, Any]) -> Rates:
    same, slower = condition["same"], condition["slower"]
    return Rates(
        condition=f"{threads_of(condition['threads'])}, {condition['load'].replace('-', ' ')}",
        false_alarms=_share(same["called_different"], same["pairs"]),
        found={each["percent"]: _share(each["found"], each["pairs"]) for each in slower},
        wrong_signs=sum(each["wrong_sign"] for each in slower),
    )


def _share(count: int, of: int) -> str:
    return f"{count} of {of} ({100 * count / of:.0f} %)" if of else "none"
