"""Values of options: what is one, and the sentence on what is none."""

from __future__ import annotations

from argparse import ArgumentTypeError

import pytest

from pointwise_bench.common.option_types import share


@pytest.mark.parametrize(("text", "value"), [("0", 0.0), ("0.02", 0.02), ("1e-3", 0.001), ("2", 2.0)])
def test_a_share(text: str, value: float) -> None:
    assert share(text) == value


@pytest.mark.parametrize("text", ["", "much", "-0.1", "nan", "inf", "2 %"])
def test_what_is_no_share_is_named(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match=r"is not a share such as 0\.02"):
        share(text)
