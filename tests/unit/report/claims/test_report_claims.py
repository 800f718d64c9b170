"""The report of claims: known times with known gains, what ate them, and files that hold anything."""

from __future__ import annotations

import contextlib
import io
import json
import random
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from corruptions import ANYTHING, _flipped, _places, _written, clean_lines, clean_settings
from make_run import CEILINGS

from pointwise_bench.report.__main__ import BAD_INPUT, main
from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.claims.gains import Gain
from pointwise_bench.report.claims.reading import load_claims
from pointwise_bench.report.claims.shortfall import shortfall
from pointwise_bench.report.plots.claim_plot import draw_gains
from pointwise_bench.report.plots.style import looks
from pointwise_bench.suites.claims import get

ROUNDS, STARTS = 5, 3
PROCESS = [start for start in range(STARTS) for _ in range(ROUNDS)]


def line(claim: str, backend: str, steps: dict[str, dict[str, dict[str, float]]], **changed: Any) -> dict[str, Any]:
    """A finding whose times are the sums of its steps, on a machine that wanders."""
    wander = [1 + 0.3 * (place % ROUNDS) for place in range(len(PROCESS))]
    totals = {variant: sum(sum(kinds.values()) for kinds in own.values()) for variant, own in steps.items()}
    several = {variant: own for variant, own in steps.items() if len(own) > 1}
    return {
        "claim": claim,
        "backend": backend,
        "threads": 1,
        "device": "cpu",
        "output": "fresh",
        "isolation": "worker",
        "started_at": "2026-01-02T03:04:05Z",
        "status": "ok",
        "reason": "",
        "process": PROCESS,
        "samples_s": {variant: [total * one for one in wander] for variant, total in totals.items()},
        "branches_s": {
            variant: {branch: [sum(kinds.values()) * one for one in wander] for branch, kinds in own.items()}
            for variant, own in several.items()
        },
        "calls": {variant: [1] * STARTS for variant in steps},
        "steps_s": steps,
        "smallest_call_s": 1e-6,
        "error_ratio": 0.5,
        "cpu_over_wall": 1.0,
    } | changed


STRIDE = {
    "every pixel, then one in four": {"whole": {"product": 4e-3, "crossing": 0.5e-3, "subsample": 0.5e-3}},
    "stride 2": {"whole": {"product": 2e-3}},
}


def claims_of(tmp_path: Path, *lines: dict[str, Any], names: tuple[str, ...] = ("stride",)) -> Any:
    (tmp_path / "claims.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    return load_claims(tmp_path, [get(name).described for name in names])


def test_a_gain_is_the_ratio_of_rounds_that_belong_together(tmp_path: Path) -> None:
    (gain,) = claims_of(tmp_path, line("stride", "a", STRIDE)).gains
    assert (gain.ratio, gain.low, gain.high) == pytest.approx((2.5, 2.5, 2.5))
    assert (gain.expected, gain.verdict, gain.rounds, gain.starts) == (4, "faster", 15, 3)
    assert gain.against_prediction == "short of it"


def test_what_ate_a_gain_adds_up_to_it(tmp_path: Path) -> None:
    (gain,) = claims_of(tmp_path, line("stride", "a", STRIDE)).gains
    found = shortfall(gain, Roofs({}, {}, {}))
    # 5 ms over 4 leaves 1.25 ms; 2 ms are 0.75 ms more. The product alone takes 1 ms more than a quarter.
    assert found.lost_s == pytest.approx(0.75e-3)
    # Two things that the stride saves, the crossing and the subsampling, make up for some of that.
    shares = dict(found.parts)
    assert shares["a lower rate of the products themselves"] == pytest.approx((1e-3 - 0.75e-6) / 1e-3)
    assert shares["the cost of a call"] == pytest.approx(0.75e-6 / 1e-3)
    assert sum(shares.values()) == pytest.approx(1)


def test_bandwidth_is_named_where_the_roof_of_the_product_is_memory(tmp_path: Path) -> None:
    (gain,) = claims_of(tmp_path, line("stride", "a", STRIDE)).gains
    slow_memory = Roofs({("float32", 1): 1e15}, {}, {1: 1e9})
    # 1,335,296 bytes remain of 4,947,968: more than a quarter, at 1 GB/s.
    expected = (1_335_296 - 4_947_968 / 4) / 1e9 / 1e-3
    assert dict(shortfall(gain, slow_memory).parts)["bandwidth"] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("after_s", "words"), [(1.25e-3, "as predicted"), (0.5e-3, "beyond it"), (2e-3, "short of it")]
)
def test_the_prediction_is_held_against_the_interval(tmp_path: Path, after_s: float, words: str) -> None:
    steps = STRIDE | {"stride 2": {"whole": {"product": after_s}}}
    (gain,) = claims_of(tmp_path, line("stride", "a", steps)).gains
    assert gain.against_prediction == words
    assert (shortfall(gain, Roofs({}, {}, {})) is not None) == (words == "short of it")


def test_an_interval_that_holds_anything_confirms_nothing(tmp_path: Path) -> None:
    unsteady = line("stride", "a", STRIDE | {"stride 2": {"whole": {"product": 1.25e-3}}})
    unsteady["samples_s"]["stride 2"] = [1e-3 * (0.5 + place % 3) for place in range(len(PROCESS))]
    (gain,) = claims_of(tmp_path, unsteady).gains
    assert gain.low < gain.expected < gain.high
    assert gain.against_prediction == "undecided"


def module(name: str, factor: float) -> dict[str, Any]:
    branches = {"3x3": {"product": 3e-3}, "5x5": {"product": 5e-3}, "1x1": {"product": 1e-3}, "pool": {"product": 1e-3}}
    faster = {branch: {"product": kinds["product"] / factor} for branch, kinds in branches.items()}
    return line(f"inception-{name}", "a", {"direct": branches, "reduced": faster})


def test_a_total_adds_up_all_of_its_claims_or_is_none(tmp_path: Path) -> None:
    names = tuple(f"inception-{name}" for name in ("3a", "3b"))
    both = claims_of(tmp_path, module("3a", 2.0), module("3b", 4.0), names=names)
    (total,) = [gain for gain in both.gains if gain.title.startswith("all")]
    assert total.ratio == pytest.approx(20 / (5 + 2.5))
    assert total.starts == STARTS
    one = claims_of(tmp_path, module("3a", 2.0), names=names)
    assert not [gain for gain in one.gains if gain.title.startswith("all")]


def test_branches_have_gains_of_their_own(tmp_path: Path) -> None:
    gains = {gain.branch: gain for gain in claims_of(tmp_path, module("3a", 2.0), names=("inception-3a",)).gains}
    assert f"{gains['5x5'].expected:.2f}" == "9.68"
    assert gains["5x5"].ratio == pytest.approx(2.0)


def test_in_process_numbers_have_no_gain(tmp_path: Path) -> None:
    assert not claims_of(tmp_path, line("stride", "a", STRIDE, isolation="in-process")).gains


def test_gains_are_drawn(tmp_path: Path) -> None:
    found = claims_of(tmp_path, line("stride", "a", STRIDE))
    path = draw_gains(found.gains, looks(["a"]), tmp_path / "plots" / "claims.svg")
    assert path is not None
    ElementTree.fromstring(path.read_bytes())
    assert draw_gains([], {}, tmp_path / "none.svg") is None


def test_two_rounds_are_too_few_to_tell(tmp_path: Path) -> None:
    short = line("stride", "a", STRIDE)
    short["process"] = [0, 1]
    short["samples_s"] = {variant: samples[:2] for variant, samples in short["samples_s"].items()}
    (gain,) = claims_of(tmp_path, short).gains
    assert isinstance(gain, Gain)
    assert gain.against_prediction == "too few rounds to tell"


# --- files that hold anything ---------------------------------------------------------------------------------------


def write(folder: Path, lines: bytes, described: Any) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "cells.jsonl").write_bytes(b"\n".join(clean_lines()) + b"\n")
    settings = clean_settings() | {"claims": described, "ceilings": CEILINGS}
    (folder / "run.json").write_bytes(_written(settings))
    (folder / "claims.jsonl").write_bytes(lines)


def report(folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, list[str]]:
    from pointwise_bench.report.pages import site

    for plot in ("draw_sweep", "draw_heat", "draw_roofline", "draw_gains"):
        monkeypatch.setattr(site, plot, lambda *_: None)
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
        code = main([str(folder), "--out", str(out)])
    return code, errors.getvalue().splitlines()


CLEAN = [line("stride", name, STRIDE) for name in ("a", "b")] + [module("3a", 2.0)]
CLEAN += [
    line("stride", "c", {}, status="unsupported", reason="has <b>no</b> stride", process=[], smallest_call_s=None)
]
DESCRIBED = [get(name).described for name in ("stride", "inception-3a")]


def test_an_undamaged_file_names_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "run", b"".join(_written(one) + b"\n" for one in CLEAN), DESCRIBED)
    assert report(tmp_path / "run", tmp_path / "out", monkeypatch) == (0, [])
    page = (tmp_path / "out" / "claims.html").read_text()
    assert "has &lt;b&gt;no&lt;/b&gt; stride" in page


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("claim", "unknown"), ("claim", None), ("claim", 5), ("backend", ""), ("backend", "a\nb"), ("threads", 0),
        ("status", "fine"), ("status", "wrong"), ("process", [0]), ("process", "x"), ("process", [-1] * 15),
        ("samples_s", {}), ("samples_s", {"x": [1.0] * 15}), ("samples_s", 5), ("steps_s", {}),
        ("samples_s", {name: [0.0] * 15 for name in STRIDE}), ("error_ratio", 2.0), ("isolation", "alone"),
        ("steps_s", {name: {"other": {"product": 1.0}} for name in STRIDE}),
        ("steps_s", {name: {"whole": {"magic": 1.0}} for name in STRIDE}),
        ("branches_s", {"stride 2": {"whole": [1.0] * 15}}), ("smallest_call_s", -1),
    ],
)  # fmt: skip
def test_a_line_that_says_nonsense_is_named_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: Any
) -> None:
    damaged = line("stride", "a", STRIDE) | {key: value}
    write(tmp_path / "run", _written(damaged) + b"\n" + _written(CLEAN[1]) + b"\n", DESCRIBED)
    code, said = report(tmp_path / "run", tmp_path / "out", monkeypatch)
    assert code == 0
    assert len(said) == 1
    assert "claims.jsonl, line 1: " in said[0]
    assert key.partition("_")[0] in said[0]
    assert "left out" in said[0]
    assert "claims.jsonl, line 1" in (tmp_path / "out" / "claims.html").read_text()


@pytest.mark.parametrize("number", range(60))
def test_any_damage_is_named_or_harmless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    draw = random.Random(number)
    lines, described = json.loads(json.dumps(CLEAN)), json.loads(json.dumps(DESCRIBED))
    holder, key = draw.choice(list(_places(lines if number % 3 else described)))
    holder[key] = draw.choice(ANYTHING)
    content = b"".join(_written(one) + b"\n" for one in lines)
    if number % 5 == 0:
        content = _flipped(draw, content)[: draw.randrange(len(content))]
    write(tmp_path / "run", content, described)
    code, said = report(tmp_path / "run", tmp_path / "out", monkeypatch)
    assert code in (0, BAD_INPUT)
    assert all(one.isprintable() for one in said)
    # Only a run.json that cannot be read at all stops a report.
    assert code == 0 or (number % 3 == 0 and len(said) == 1)


def test_a_claim_that_was_not_reached_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "run", b"".join(_written(one) + b"\n" for one in CLEAN), DESCRIBED)
    report(tmp_path / "run", tmp_path / "out", monkeypatch)
    page = (tmp_path / "out" / "claims.html").read_text()
    # b has a finding for the stride and none for the module.
    module_section = page.split("3. inception-3a")[1]
    assert "the time of the run was spent before it" in module_section.split("</section>")[0]


def test_the_document_gets_a_table_for_each_claim_and_the_run(tmp_path: Path) -> None:
    write(tmp_path / "run", b"".join(_written(one) + b"\n" for one in CLEAN), DESCRIBED)
    document = tmp_path / "document.md"
    marks = "".join(
        f"# {name}\n<!-- claims:{name}:begin -->\nold\n<!-- claims:{name}:end -->\n" for name in ("run", 3, 4)
    )
    document.write_text(marks)
    assert main([str(tmp_path / "run"), "--claims", str(document)]) == 0
    text = document.read_text()
    assert "\nold\n" not in text
    assert "2.50× [2.50, 2.50]" in text.replace("**", "")  # noqa: RUF001  # the multiplication sign is meant
    assert "testbed-2-0123abcd/run" in text
    again = text
    assert main([str(tmp_path / "run"), "--claims", str(document)]) == 0
    assert document.read_text() == again


def test_a_document_without_a_place_is_one_line_and_a_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "run", b"".join(_written(one) + b"\n" for one in CLEAN), DESCRIBED)
    document = tmp_path / "document.md"
    document.write_text("nothing here")
    assert main([str(tmp_path / "run"), "--claims", str(document)]) == BAD_INPUT
    assert "claims:run:begin" in capsys.readouterr().err
    assert document.read_text() == "nothing here"


def test_a_run_without_claims_has_none_to_splice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "run", b"", [])
    document = tmp_path / "document.md"
    document.write_text("")
    assert main([str(tmp_path / "run"), "--claims", str(document)]) == BAD_INPUT
    assert "--shapes claims" in capsys.readouterr().err
