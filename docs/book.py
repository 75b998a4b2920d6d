"""`python -m docs.book` writes the way through the book under each page; a test compares.

The contents, `docs/README.md`, are written by hand and say which pages there are, in which order.
"""

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parent
CONTENTS = DOCS / "README.md"
WITHOUT_WAY = frozenset({DOCS / "performance.md"})
"""Written by `make bench`."""
BEGIN, END = "<!-- way: begin -->", "<!-- way: end -->"
_ENTRY = re.compile(r"^\d+\. \[([^\]]+)\]\(([^)]+)\)", re.MULTILINE)


def pages() -> list[Path]:
    """Return the pages of the book in order of reading."""
    return [DOCS / target for _, target in _ENTRY.findall(CONTENTS.read_text())]


def title(page: Path) -> str:
    """Return a page's own title, which is its first line."""
    return page.read_text().partition("\n")[0].removeprefix("# ")


def with_way(page: Path, text: str) -> str:
    """Return a page's text with the way to the pages before and after it at its end."""
    before, _, _ = text.partition(BEGIN)
    return f"{before.rstrip()}\n\n{BEGIN}\n---\n\n{_way(page)}\n{END}\n"


def _way(page: Path) -> str:
    order = pages()
    at = order.index(page)
    steps = [f"[Contents]({_link(page, CONTENTS)})"]
    if at > 0:
        steps.insert(0, f"Before: [{title(order[at - 1])}]({_link(page, order[at - 1])})")
    if at + 1 < len(order):
        steps.append(f"Next: [{title(order[at + 1])}]({_link(page, order[at + 1])})")
    return " · ".join(steps)


def _link(page: Path, target: Path) -> str:
    up = "../" * (len(page.relative_to(DOCS).parts) - 1)
    return up + target.relative_to(DOCS).as_posix()


if __name__ == "__main__":
    for each in pages():
        if each not in WITHOUT_WAY:
            each.write_text(with_way(each, each.read_text()))
