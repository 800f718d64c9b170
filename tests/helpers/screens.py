"""The sizes of screens on which pages are looked at, and whether a reader sees a text without scrolling."""

from __future__ import annotations

from typing import Any, Final

DESKTOP: Final = {"width": 1440, "height": 900}
PHONE: Final = {"width": 390, "height": 844}

_SEEN: Final = """words => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const inside = box => box.left >= 0 && box.right <= innerWidth && box.top >= 0 && box.bottom <= innerHeight;
  const onTop = (box, holder) => {
    const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return top !== null && (holder.contains(top) || top.contains(holder));
  };
  const seen = (node, at) => {
    const range = document.createRange(), holder = node.parentElement;
    range.setStart(node, at);
    range.setEnd(node, at + words.length);
    const boxes = [...range.getClientRects()], how = { opacityProperty: true, visibilityProperty: true };
    return holder.checkVisibility(how) && boxes.length > 0 && boxes.every(box => inside(box) && onTop(box, holder));
  };
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (let at = node.data.indexOf(words); at >= 0; at = node.data.indexOf(words, at + 1)) {
      if (seen(node, at)) return true;
    }
  }
  return false;
}"""


def is_seen(page: Any, words: str) -> bool:
    """Whether ``words`` stand on the part of the page that is on the screen, in one piece and under nothing else."""
    return bool(page.evaluate(_SEEN, words))
