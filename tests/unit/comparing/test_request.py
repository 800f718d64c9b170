"""What is asked of ``compare --against``: as options and a recorded run have it, and as the run is asked for it."""

from __future__ import annotations

import pytest

from pointwise_bench.comparing.request import filled_in, parser, words_of_run


def test_a_recorded_run_fills_in_what_no_option_names() -> None:
    options = parser().parse_args(["RUN", "--against", "main", "--threads", "2"])
    recorded = {"plugins": ["a.py"], "shapes": ["basics"], "threads": [1], "backends": ["a", "a-before"]}
    filled_in(options, recorded)
    assert (options.plugin, options.shapes, options.threads, options.backend) == (["a.py"], ["basics"], ["2"], ["a"])


def test_the_run_has_everybody_in_every_pass() -> None:
    options = parser().parse_args(["--against=main", "--time-budget=3m", "--shapes=basics", "--results=r"])
    assert words_of_run(options, ["a", "a-before"]) == [
        *("--backend=a", "--backend=a-before", "--shapes=basics", "--time-budget=3m", "--results=r", "--full"),
    ]
    assert words_of_run(parser().parse_args(["--against", "x"]), ["a"], ["p"]) == [
        *("--backend=a", "--shapes=p", "--results=results/against"),
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--against"], "--against"),
        (["--against", "x", "--fail-on", "worse"], "slower:PERCENT"),
        (["--against", "x", "--fail-on", "slower:x"], "no number of percent"),
        (["--against", "x", "--fail-on", "broken:1"], "broken:1"),
        (["--against", "x", "--margin", "nan"], "share"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_4(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        parser().parse_args(words)
    assert left.value.code == 4
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.count("\n") == 1
