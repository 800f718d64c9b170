"""What a file of layers says of its model: read as it was written, and refused by a sentence where it is damaged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pointwise_bench.common.whole_model import LeftOutPart, WholeModel, whole_model

PART = LeftOutPart("3x3 convolution", 2, 30, 1, ("stem", "head"))
MODEL = WholeModel("net", 100, (PART,))
TABLE: dict[str, Any] = json.loads(json.dumps(MODEL.table()))
(OF_PART,) = TABLE["left_out"]


def test_it_is_read_as_it_was_written() -> None:
    assert whole_model(TABLE) == MODEL
    assert (MODEL.measured, MODEL.share(MODEL.measured)) == (70, 0.7)
    assert WholeModel("nothing", 0).share(0) == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"title": 3}, "model: title must be a text, got 3"),
        ({"multiply_adds": -1}, "model: multiply_adds must be a whole number of at least 0, got -1"),
        ({"multiply_adds": True}, "model: multiply_adds must be a whole number of at least 0, got True"),
        ({"multiply_adds": 29}, "model: what is left out has more multiply-adds than the whole"),
        ({"wrong": 1}, "model: wrong is no key of it"),
        ({"left_out": 1}, "model: left_out must be a list, got 1"),
        ({"left_out": [1]}, "model.left_out must be a table with what, count, multiply_adds"),
        ({"left_out": [{"what": "x", "count": 1}]}, "model.left_out: multiply_adds is missing"),
        ({"left_out": [OF_PART | {"names": [1]}]}, "model.left_out: names must be a list of texts"),
    ],
)
def test_a_damaged_one_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError) as refused:
        whole_model(TABLE | change)
    assert str(refused.value) == said
