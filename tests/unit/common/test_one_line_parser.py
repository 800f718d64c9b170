"""Bad usage of any command: one line on standard error, and the exit code that help promises."""

from __future__ import annotations

import pytest

from pointwise_bench.__main__ import COMMANDS, main
from pointwise_bench.common.formats import USAGE_ERROR

OWN_WAY = {"run": "pytest says it, which has options of its own"}


def test_every_command_says_bad_usage_in_one_line_and_exits_alike(capsys: pytest.CaptureFixture[str]) -> None:
    assert {*OWN_WAY} <= {*COMMANDS}
    ends = {}
    for name in COMMANDS.keys() - OWN_WAY.keys():
        try:
            code: object = main([name, "--nonsense"])
        except SystemExit as end:
            code = end.code
        said = capsys.readouterr()
        ends[name] = (code, said.out, len(said.err.splitlines()), said.err.startswith(f"pointwise-bench {name}: "))
    assert {name: end for name, end in ends.items() if end != (USAGE_ERROR, "", 1, True)} == {}


def test_a_choice_of_many_lines_is_still_one(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["run", "--model", "model.onnx", "--dim"], ["attack", "--kind", "no\nkind"], ["harvest"]):
        with pytest.raises(SystemExit) as end:
            main(words)
        assert end.value.code == USAGE_ERROR
        assert len(capsys.readouterr().err.splitlines()) == 1
