"""Where the label of each box and the lines of the caption go. Pure arithmetic, in pixels."""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple


class Rect(NamedTuple):
    """A rectangle in pixels: `x1`, `y1` belong to it, `x2`, `y2` lie just outside."""

    x1: int
    y1: int
    x2: int
    y2: int

    @property
    def area_px(self) -> int:
        """Pixels covered; 0 if it is empty or turned inside out."""
        return max(self.x2 - self.x1, 0) * max(self.y2 - self.y1, 0)

    def intersection(self, other: "Rect") -> "Rect":
        """Return what both cover; its area is 0 if they do not meet."""
        return Rect(
            max(self.x1, other.x1),
            max(self.y1, other.y1),
            min(self.x2, other.x2),
            min(self.y2, other.y2),
        )


MAX_HIDDEN = 0.04
"""Share of a label that another may hide: its padding, but none of its letters."""


MAX_ROWS = 64
"""Places tried down each side of a box; above what a 4K picture has, and a bound for any other."""


def place_labels(
    boxes: Sequence[Rect], label_sizes_wh: Sequence[tuple[int, int]], picture_wh: tuple[int, int]
) -> list[Rect | None]:
    """Return where each label goes, in the order of the boxes: the most important box first.

    A label touches its box and lies inside the picture. It takes the first place around the box
    where it hides no label before it. In a crowd that leaves no place, the box goes without: two
    labels written over each other tell less than one.
    """
    placed: list[Rect] = []
    labels: list[Rect | None] = []
    for box, (width, height) in zip(boxes, label_sizes_wh, strict=True):
        places = (
            _pushed_inside(x1, y1, width, height, picture_wh)
            for x1, y1 in _places(box, width, height)
        )
        label = _first_free(places, placed)
        labels.append(label)
        if label is not None:
            placed.append(label)
    return labels


def _first_free(places: Iterable[Rect], placed: Sequence[Rect]) -> Rect | None:
    """Return the first place that hides nothing, or else the one that hides little, or None."""
    best, least_px = None, math.inf
    for label in places:
        hidden_px = sum(label.intersection(other).area_px for other in placed)
        if hidden_px == 0:
            return label
        if hidden_px < least_px:
            best, least_px = label, hidden_px
    return best if best is not None and least_px <= MAX_HIDDEN * best.area_px else None


def _places(box: Rect, width: int, height: int) -> Iterator[tuple[int, int]]:
    """Yield top left corners, the habitual ones first: above, inside, below; left before right."""
    right = box.x2 - width
    for x1 in (box.x1, right):
        yield x1, box.y1 - height
        yield x1, box.y1
        yield x1, box.y2
        yield x1, box.y2 - height
    yield box.x2, box.y1
    yield box.x1 - width, box.y1
    step = max(height, (box.y2 - box.y1) // MAX_ROWS)
    for y1 in range(box.y1 + height, box.y2 - height, step):
        yield box.x1, y1
        yield right, y1


def _pushed_inside(x1: int, y1: int, width: int, height: int, picture_wh: tuple[int, int]) -> Rect:
    x1 = max(min(x1, picture_wh[0] - width), 0)
    y1 = max(min(y1, picture_wh[1] - height), 0)
    return Rect(x1, y1, min(x1 + width, picture_wh[0]), min(y1 + height, picture_wh[1]))


def flow_lines(
    words: Sequence[str], width_px: int, gap_px: int, measure: Callable[[str], int]
) -> list[list[str]]:
    """Return the words in as many lines as they need, none wider than `width_px`.

    `measure` tells the width of a text; `gap_px` goes between two words. A word that is wider than
    a line is cut into pieces that fit, so that nothing of it is lost.
    """
    lines: list[list[str]] = [[]]
    free_px = width_px
    for piece in chain.from_iterable(_pieces(word, width_px, measure) for word in words):
        needed_px = measure(piece) + (gap_px if lines[-1] else 0)
        if lines[-1] and needed_px > free_px:
            lines.append([])
            free_px, needed_px = width_px, measure(piece)
        lines[-1].append(piece)
        free_px -= needed_px
    return lines


def _pieces(word: str, width_px: int, measure: Callable[[str], int]) -> Iterator[str]:
    while measure(word) > width_px and len(word) > 1:
        cut = max(_fitting_letters(word, width_px, measure), 1)
        yield word[:cut]
        word = word[cut:]
    yield word


def _fitting_letters(word: str, width_px: int, measure: Callable[[str], int]) -> int:
    return bisect_right(range(1, len(word)), width_px, key=lambda end: measure(word[:end]))
