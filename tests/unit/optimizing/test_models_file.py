"""``models.json``: a model that is measured again takes its former place, and what is damaged is put aside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from make_timed_model import MACHINE, timed_model
from no_plain_files import A_TERABYTE, hollow

from pointwise_bench.optimizing.models_file import keep
from pointwise_bench.report.reading.timed_models import read_timed_models


def kept(results: Path) -> list[tuple[str, int, str]]:
    models, defects = read_timed_models(results / MACHINE, MACHINE)
    assert defects == ()
    return [(one.model, one.threads, one.measured_at) for one in models]


def test_a_model_takes_its_former_place_and_the_others_stay(tmp_path: Path) -> None:
    for entry in (timed_model(), timed_model(threads=2), timed_model(measured_at="later")):
        keep(entry, tmp_path, MACHINE)
    assert kept(tmp_path) == [
        ("torchvision:<net>", 1, "later"),
        ("torchvision:<net>", 2, "2026-01-02T03:04:05Z"),
    ]
    assert [path.name for path in (tmp_path / MACHINE).iterdir()] == ["models.json"]


def of(machine: str = MACHINE, **changed: Any) -> str:
    """A file of this format with one model."""
    return json.dumps({"format": 1, "machine": machine, "models": [timed_model(**changed)]})


@pytest.mark.parametrize(
    "text",
    [
        *("{", "[]", '{"format": 9, "models": []}', '{"format": 1, "models": [3]}', of("other")),
        *(of(model=5), of(input=3), of(threads=float("inf")), of(threads="1"), of(threads=True)),
    ],
)
def test_a_damaged_file_is_put_aside(text: str, tmp_path: Path) -> None:
    (tmp_path / MACHINE).mkdir()
    (tmp_path / MACHINE / "models.json").write_text(text)
    keep(timed_model(), tmp_path, MACHINE)
    assert len(kept(tmp_path)) == 1
    assert (tmp_path / MACHINE / "models.json.damaged").read_text() == text


def test_one_of_a_terabyte_is_put_aside_and_not_read(tmp_path: Path) -> None:
    (tmp_path / MACHINE).mkdir()
    hollow(tmp_path / MACHINE / "models.json")
    keep(timed_model(), tmp_path, MACHINE)
    assert len(kept(tmp_path)) == 1
    assert (tmp_path / MACHINE / "models.json.damaged").stat().st_size == A_TERABYTE


def test_no_link_is_read_or_written_through(tmp_path: Path) -> None:
    mine = keep(timed_model(model="mine"), tmp_path / "elsewhere", MACHINE)
    before = mine.read_text()
    (tmp_path / MACHINE).mkdir()
    (tmp_path / MACHINE / "models.json").symlink_to(mine)
    keep(timed_model(), tmp_path, MACHINE)
    assert mine.read_text() == before
    assert [model for model, _, _ in kept(tmp_path)] == ["torchvision:<net>"]


def test_what_cannot_be_written_leaves_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        keep(timed_model(), tmp_path, MACHINE)
    assert list((tmp_path / MACHINE).iterdir()) == []
