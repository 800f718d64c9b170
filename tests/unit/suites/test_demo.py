"""``pointwise-bench demo``: a picture, the arithmetic of a layer, and one line for every mistake."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from make_run import CEILINGS

from pointwise_bench.common.formats import USAGE_ERROR
from pointwise_bench.suites import __main__ as command, demo
from pointwise_bench.suites.harness.machine import environment

ROOF = ["--peak", "1e11", "--bandwidth", "1e10"]


def test_the_arithmetic_of_the_worked_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["demo", "n1c32h10w10-o16-nhwc", *ROOF]) == 0
    said = capsys.readouterr().out
    for text in (
        "1x10x10x32 (nhwc)",
        "1x10x10x16",
        "512 = 16 * 32",
        "51,200 = 100 pixels * 16 * 32",
        "21,248, each operand touched once",
        "4.82 FLOP per byte",
        # 102,400 FLOP at 100 GFLOP/s; 21,248 bytes at 10 GB/s.
        "2.12 µs, bound by memory: arithmetic 1.02 µs, memory 2.12 µs",
        "as given",
    ):
        assert text in said, text


def test_a_stride_reads_some_pixels_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["demo", "n1c256h56w56-o128-s2", *ROOF]) == 0
    assert "784 of 3,136" in capsys.readouterr().out


def test_the_picture_is_written_as_svg_and_png(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new" / "folder"
    assert command.main(["demo", "--out", str(folder), *ROOF]) == 0
    ElementTree.fromstring((folder / "channel_mixing.svg").read_bytes())
    assert (folder / "channel_mixing.png").read_bytes().startswith(b"\x89PNG")
    assert f"wrote {folder / 'channel_mixing.svg'}" in capsys.readouterr().out


def test_mixing_is_a_1x1_convolution() -> None:
    picture = demo.generated()
    mixed = demo.mixed(picture)
    for kernel, (_, weights) in enumerate(demo.MIXES):
        expected = sum(weight * picture[..., channel].astype(np.float64) for channel, weight in enumerate(weights))
        np.testing.assert_allclose(mixed[..., kernel], expected, atol=1e-6)


def test_the_roof_is_that_of_the_newest_run_of_this_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for stamp, factor in (("2026-01-01T00-00-00Z", 1.0), ("2026-01-02T00-00-00Z", 2.0)):
        folder = tmp_path / environment.machine() / stamp
        folder.mkdir(parents=True)
        ceilings = [
            one | {"threads": 1, "fma_peak_flops": {"float32": factor * 1e11}, "triad_bytes_per_s": 1e10}
            for one in CEILINGS[:1]
        ]
        (folder / "run.json").write_text(json.dumps({"format": 1, "ceilings": ceilings}))
    assert command.main(["demo", "--results", str(tmp_path), "--threads", "1"]) == 0
    said = capsys.readouterr().out
    assert "200 GFLOP/s" in said
    assert "measured in the run 2026-01-02T00-00-00Z of this machine, 1 thread" in said


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["nonsense"], "does not read like"),
        (["n0c1h1w1-o1"], "no pixels"),
        (["--peak", "-1"], "--peak must be a positive number"),
        (["--bandwidth", "nan"], "--bandwidth must be a positive number"),
        (["--peak", "fast"], "invalid float value"),
        (["--outt", "x"], "unrecognized arguments"),
        ([*ROOF, "--out", "/dev/null/x"], "name a folder that can be written to"),
    ],
)
def test_a_mistake_is_one_line_and_a_code(words: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    code: object
    try:
        code = command.main(["demo", *words])
    except SystemExit as left:
        code = left.code
    assert code == USAGE_ERROR
    said = capsys.readouterr().err
    assert text in said
    assert len(said.splitlines()) == 1
    assert said.startswith("pointwise-bench demo: ")


def test_the_catalogue_is_listed_as_before(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["claims"]) == 0
    assert "n1c32h10w10-o16-nhwc" in capsys.readouterr().out
