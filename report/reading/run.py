"""A run on disk, read into typed cells and claims, without computing anything from them.

The format is described in docs/RESULTS_FORMAT.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pointwise_bench.common.formats import (
    CELLS_FILE,
    CHECKPOINT_FILE,
    CONTROLS_FILE,
    MOST_RUN_BYTES,
    RUN_FILE,
    RUN_FORMAT,
)
from pointwise_bench.report.reading.cells import ReadCell, read_cells
from pointwise_bench.report.reading.claims import ReadClaims, read_claims
from pointwise_bench.report.reading.errors import ReportError, too_much
from pointwise_bench.report.reading.json_lines import bytes_of, json_of, lines_of
from pointwise_bench.report.reading.run_format import PASS, SETTINGS, read_core_distance, read_in_sequence
from pointwise_bench.report.reading.timed_models import TimedModel, read_timed_models
from pointwise_bench.report.reading.value_readers import Defect, Reader, list_of, object_of, shown, visible

MOST_NAMED: Final = 6
_MAKE_ONE: Final = "make one with 'pointwise-bench run --time-budget 10m'"


@dataclass(frozen=True)
class Run:
    """One folder ``results/<machine>/<UTC time>``.

    ``settings`` is its run.json, the keys of ``run_format.SETTINGS`` as read by that table. ``controls`` are cells of
    one backend under other names, and no choice for a user. ``defects`` are sentences, one for each line or key that
    could not be used and was left out. ``timed_models`` are those of its machine, each measured on its own.
    """

    folder: Path
    machine: str
    name: str
    started_at: str
    settings: Mapping[str, Any]
    cells: tuple[ReadCell, ...]
    controls: tuple[ReadCell, ...]
    claims: ReadClaims
    defects: tuple[str, ...]
    timed_models: tuple[TimedModel, ...] = ()

    @property
    def backends(self) -> list[str]:
        """Every backend that has a cell, whatever became of it, by name."""
        return sorted({cell.backend for cell in self.cells})


def load_run(folder: Path) -> Run:
    """The run in ``folder``; :class:`ReportError` where there is none or it cannot be read."""
    try:
        return _loaded(folder)
    except (MemoryError, RecursionError) as error:  # of one among many runs that are published it is to be named
        raise ReportError(f"{folder}: {too_much(error)}") from None


def _loaded(folder: Path) -> Run:
    settings = _settings(folder)
    settings["passes"], defects = _passes(settings, "passes", object_of(PASS))
    settings["in_sequence"], damaged = _passes(settings, "in_sequence", read_in_sequence)
    settings["core_distance"], unread = _beside(settings, "core_distance", read_core_distance, "it is left out")
    resolved = folder.resolve()
    cells, left_out = read_cells(folder / CELLS_FILE)
    controls, left_out_of_controls = read_cells(folder / CONTROLS_FILE) if settings["controls"] else ((), ())
    claims = read_claims(folder, settings.get("claims"))
    machine = settings["machine"] or visible(resolved.parent.name)
    timed_models, left_out_of_models = read_timed_models(resolved.parent, machine)
    return Run(
        folder=folder,
        machine=machine,
        name=visible(resolved.name),
        started_at=settings["started_at"],
        settings=settings,
        cells=cells,
        controls=controls,
        claims=claims,
        defects=(
            *(*defects, *damaged, *unread, *left_out, *left_out_of_controls, *claims.defects, *left_out_of_models),
            *_unread_checkpoint(folder, settings),
        ),
        timed_models=timed_models,
    )


def _unread_checkpoint(folder: Path, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """How much an unfinished run has begun is told from its checkpoint: one that cannot be read is no error."""
    try:
        if not settings["finished_at"]:
            next(lines_of(folder / CHECKPOINT_FILE), None)
    except ReportError as error:
        return (f"{CHECKPOINT_FILE}: {error.reason}",)
    return ()


def newest_run(results: Path, machine: str | None = None) -> tuple[Path, list[str]]:
    """The folder under ``results`` whose run.json has the latest start, and a sentence on each damaged one.

    Of ``machine`` alone where one is named: :class:`ReportError` where it has none, with those that there are.
    """
    if not results.is_dir():
        raise ReportError(f"{results}: no such folder of results; {_MAKE_ONE}, or name the folder with --results")
    dated: list[tuple[str, Path, str]] = []
    broken: list[ReportError] = []
    for path in sorted(results.glob(f"*/*/{RUN_FILE}")):
        try:
            settings = _settings(path.parent)
        except ReportError as error:
            broken.append(error)
        else:
            dated.append((settings["started_at"], path.parent, settings["machine"] or path.parents[1].name))
    own = [(at, folder) for at, folder, of in dated if machine in (None, of)]
    # One damaged folder does not hide the good ones.
    if own:
        return max(own)[1], [f"{error} (passed over in looking for the newest run)" for error in broken]
    if dated:
        others = ", ".join(str(folder) for _, folder, _ in dated[:MOST_NAMED])
        more = f" and {len(dated) - MOST_NAMED} more" if len(dated) > MOST_NAMED else ""
        raise ReportError(
            f"{results}: holds no run of this machine ({machine}); {_MAKE_ONE}, or name one: {others}{more}"
        )
    if broken:
        raise broken[0]
    raise ReportError(f"{results}: holds no run (<machine>/<UTC time>/run.json); {_MAKE_ONE}")


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / RUN_FILE
    if not folder.is_dir():
        raise ReportError(f"{folder}: no such run folder; runs are results/<machine>/<UTC time>")
    if not path.exists():
        raise ReportError(f"{folder}: holds no run.json; name a run folder, results/<machine>/<UTC time>")
    try:
        settings = json_of(bytes_of(path, MOST_RUN_BYTES))
        if not isinstance(settings, dict):
            raise Defect(f"is {shown(settings)}, not an object")
        number = settings.get("format")
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise Defect(f"is {shown(number)}, not a whole number of at least 1", "format")
        # A newer format may have sections of another kind: its number is looked at before they are.
        if number > RUN_FORMAT:
            raise ReportError(
                f"{path}: has format {shown(number)}, newer than {RUN_FORMAT}, the last known here; "
                "update pointwise-bench"
            )
        checked: dict[str, Any] = settings | object_of(SETTINGS)(settings)
        return checked
    except Defect as defect:
        raise ReportError(f"{path}: {defect}; restore the file or remove the run") from None


def _passes(settings: Mapping[str, Any], key: str, read: Reader) -> tuple[list[dict[str, Any]], list[str]]:
    """What passes over problems, or layers, say of themselves."""
    found, defects = _beside(settings, key, list_of(read), "all passes are left out")
    return found or [], defects


def _beside(settings: Mapping[str, Any], key: str, read: Reader, therefore: str) -> tuple[Any, list[str]]:
    """What ``key`` tells of the measuring, or None. No verdict follows, so a damaged one is no error."""
    if (value := settings.get(key)) is None:
        return None, []
    try:
        return read(value), []
    except Defect as defect:
        return None, [f"run.json: {defect.under(key)}; {therefore}"]
