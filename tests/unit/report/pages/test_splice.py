"""Text put between the markers of a document; nothing else of it changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from pointwise_bench.report.pages.splice import BEGIN, END, splice, splice_claims
from pointwise_bench.report.reading.errors import ReportError


def test_splice_replaces_only_what_is_between_the_markers(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_bytes(b"before\r\n<!-- report:begin -->\nold\n<!-- report:end -->\r\nafter")
    splice(path, "new")
    assert path.read_bytes() == b"before\r\n<!-- report:begin -->\nnew\n<!-- report:end -->\r\nafter"


@pytest.mark.parametrize("text", ["none", "END BEGIN", "BEGIN", "BEGIN END END", "BEGIN BEGIN END", "END BEGIN END"])
def test_splice_refuses_a_file_without_its_markers(tmp_path: Path, text: str) -> None:
    path = tmp_path / "README.md"
    text = text.replace("BEGIN", "<!-- report:begin -->").replace("END", "<!-- report:end -->")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ReportError, match="report:begin"):
        splice(path, "new")
    assert path.read_text(encoding="utf-8") == text


def test_a_marker_in_the_text_is_made_visible_so_that_it_can_be_replaced_again(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(f"before{BEGIN}old{END}after")
    splice(path, f"a name: {END}")
    splice(path, f"a name: {END}")
    assert path.read_text() == f"before{BEGIN}\na name: &lt;!-- report:end -->\n{END}after"


WITHOUT_COMMENTS = st.text().map(lambda text: text.replace("<!--", ""))


# 100 examples of any text before, between and behind the markers, line ends and all: three slices and a concatenation.
@settings(max_examples=100, deadline=None)
@given(WITHOUT_COMMENTS, WITHOUT_COMMENTS, WITHOUT_COMMENTS, WITHOUT_COMMENTS)
def test_what_stands_outside_the_markers_stays_to_the_byte_and_twice_is_once(
    tmp_path_factory: pytest.TempPathFactory, before: str, between: str, after: str, new: str
) -> None:
    path = tmp_path_factory.mktemp("documents") / "README.md"
    path.write_bytes(f"{before}{BEGIN}{between}{END}{after}".encode())
    splice(path, new)
    once = path.read_bytes()
    assert once == f"{before}{BEGIN}\n{new.strip()}\n{END}{after}".encode()
    splice(path, new)
    assert path.read_bytes() == once


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["absent", "no text"])
def test_a_file_that_cannot_be_read_is_named_with_its_option(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "README.md"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ReportError, match=r"^--splice \S+README\.md: cannot be read \("):
        splice(path, "new")
    with pytest.raises(ReportError, match=r"^--claims \S+README\.md: cannot be read \("):
        splice_claims(path, {})


def document(*names: str) -> str:
    """A document with a place for each of the texts."""
    return "".join(f"# {name}\n<!-- claims:{name}:begin -->\nold\n<!-- claims:{name}:end -->\n" for name in names)


def test_texts_of_several_names_go_to_their_own_places(tmp_path: Path) -> None:
    path = tmp_path / "document.md"
    path.write_text(document("run", "3", "4"))
    splice_claims(path, {"4": "four", "run": "facts"})
    expected = document("run", "3", "4").split("old")
    assert path.read_text() == f"{expected[0]}facts{expected[1]}old{expected[2]}four{expected[3]}"


def test_where_one_place_is_missing_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "document.md"
    path.write_text(document("run"))
    with pytest.raises(ReportError, match="claims:3:begin"):
        splice_claims(path, {"run": "facts", "3": "three"})
    assert path.read_text() == document("run")
