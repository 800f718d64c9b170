"""``models.json`` of a stranger: what holds is read, what does not is named, nothing is waited for or followed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from make_run import write_run
from make_timed_model import MACHINE, timed_model, way, write_models

from pointwise_bench.report.reading import timed_models
from pointwise_bench.report.reading.run import load_run
from pointwise_bench.report.reading.timed_models import read_timed_models


def test_what_optimize_writes_is_read(tmp_path: Path) -> None:
    write_models(tmp_path, [timed_model(threads=2), timed_model()])
    found, defects = read_timed_models(tmp_path, MACHINE)
    assert defects == ()
    assert [(one.model, one.input, one.threads) for one in found] == [
        ("torchvision:<net>", (1, 3, 8, 8), threads) for threads in (1, 2)
    ]
    assert found[0].ways["eager"].samples.shape == (15,)
    assert found[0].ways["onnxruntime"].reason == "planted <reason>"
    assert found[0].layers[0].taken_in == ("normalisation", "relu")


def test_a_run_has_those_of_its_machine(tmp_path: Path) -> None:
    folder = write_run(tmp_path, [])
    assert load_run(folder).timed_models == ()
    write_models(folder.parent, [timed_model()])
    assert [one.model for one in load_run(folder).timed_models] == ["torchvision:<net>"]
    write_models(folder.parent, [timed_model()], machine="other")
    run = load_run(folder)
    assert (run.timed_models, run.defects) == (
        (),
        ("models.json beside the run is of another machine, other; it is left out",),
    )


def _without(key: str) -> dict[str, Any]:
    return {name: value for name, value in timed_model().items() if name != key}


def _ways(**changed: Any) -> dict[str, Any]:
    return timed_model(ways=timed_model()["ways"] | changed)


DAMAGED = [
    (_without("model"), "models[0].model is missing"),
    (timed_model(model="a\nb"), "models[0].model is 'a\\nb', not a name of printable characters"),
    (timed_model(threads=0), "models[0].threads is 0"),
    (timed_model(input=[1, -3]), "models[0].input[1] is -3"),
    (timed_model(used=[]), "models[0].used has no start"),
    (timed_model(used=[True]), "models[0].start names start 2, and used has 1"),
    (timed_model(start=[0]), "models[0].ways.eager has 15 times, is ok, and there are 1 rounds"),
    (_ways(eager=way(status="ok")), "models[0].ways.eager has 0 times, is ok"),
    (_ways(eager=way([1.0] * 15, status="wrong")), "models[0].ways.eager has 15 times, is wrong"),
    (_ways(eager=way([0.0] * 15)), "models[0].ways.eager.samples_s[0] is 0.0"),
    (_ways(optimised=way([float("nan")] * 15)), "models[0].ways.optimised.samples_s[0] is nan"),
    (_ways(eager=way([1e300] * 15)), "models[0].ways.eager.samples_s[0] is 1e+300 s, which is implausible"),
    (timed_model(ways={"eager": way([1.0] * 15)}), "models[0].ways has no optimised"),
    (timed_model(layers=[{"name": "a", "ways": [[]]}]), "models[0].layers[0].ways[0] is []"),
    ([], "models[0] is [], not an object"),
]


@pytest.mark.parametrize(("entry", "said"), DAMAGED, ids=[said.partition(" ")[0] for _, said in DAMAGED])
def test_a_damaged_model_is_named_and_the_others_stay(entry: Any, said: str, tmp_path: Path) -> None:
    write_models(tmp_path, [entry, timed_model(model="good")])
    found, (defect,) = read_timed_models(tmp_path, MACHINE)
    assert [one.model for one in found] == ["good"]
    assert defect.startswith(f"models.json beside the run: {said}")
    assert "\n" not in defect


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": 2, "machine": "m", "models": []}', "[" * 100_000])
def test_a_damaged_file_is_named_in_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "models.json").write_text(text)
    found, (defect,) = read_timed_models(tmp_path, MACHINE)
    assert found == ()
    assert "\n" not in defect


def test_no_link_is_followed_no_pipe_waited_for_and_no_large_file_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = write_models(tmp_path / "there", [timed_model()])
    for name in ("link", "pipe"):
        (tmp_path / name).mkdir()
    (tmp_path / "link" / "models.json").symlink_to(there)
    os.mkfifo(tmp_path / "pipe" / "models.json")
    for name in ("link", "pipe"):
        found, (defect,) = read_timed_models(tmp_path / name, MACHINE)
        assert found == ()
        assert "cannot be read" in defect
        assert str(tmp_path) not in defect
        assert defect.endswith("; it is left out")
    monkeypatch.setattr(timed_models, "MOST_BESIDE_BYTES", there.stat().st_size - 1)
    assert "bytes" in read_timed_models(there.parent, MACHINE)[1][0]


def test_of_very_many_models_the_first_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timed_models, "MOST_MODELS", 1)
    write_models(tmp_path, [timed_model(), timed_model(threads=2)])
    found, defects = read_timed_models(tmp_path, MACHINE)
    assert len(found) == 1
    assert defects == ("models.json beside the run: 1 models behind the first 1 are left out",)


def test_a_way_that_nobody_knows_is_left_out(tmp_path: Path) -> None:
    write_models(tmp_path, [_ways(**{"<script>": way([1.0] * 15)})])
    ((found,), defects) = read_timed_models(tmp_path, MACHINE)
    assert (set(found.ways) & {"<script>"}, defects) == (set(), ())
    json.dumps(sorted(found.ways))
