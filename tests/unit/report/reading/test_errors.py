"""Bad input: the names nearest to one that is none, and more than a machine can hold."""

from __future__ import annotations

from pointwise_bench.report.reading.errors import nearest, too_much


def test_the_nearest_names_come_first() -> None:
    known = ["torch-conv2d", "numpy-matmul", "numpy-einsum", "openvino"]
    assert nearest("numpy-matmull", known).startswith("numpy-matmul, ")
    assert "openvino" not in nearest("numpy-matmull", known)


def test_at_most_three_are_named() -> None:
    assert len(nearest("abcd", [f"abcd{number}" for number in range(9)]).split(", ")) == 3


def test_where_none_is_like_it_all_are_named_once_and_sorted() -> None:
    assert nearest("qqqq", ["b", "a", "b"]) == "a, b"
    assert nearest("qqqq", []) == "none"


def test_what_is_too_much_has_a_sentence_of_its_own() -> None:
    assert too_much(MemoryError()) != too_much(RecursionError())
    assert all("; name " in too_much(error) for error in (MemoryError(), RecursionError()))
