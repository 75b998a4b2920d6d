"""Whole numbers by offset, eight bytes each where a log is dense."""

import numpy as np
from numpy.typing import NDArray

PAGE = 4096
"""Numbers a page. Pages are made where an offset falls, so one far offset costs one page."""


class OffsetColumn:
    """A number for each offset; `empty` where none was set."""

    def __init__(self, empty: int) -> None:
        self._empty = empty
        self._pages: dict[int, NDArray[np.int64]] = {}

    def __getitem__(self, offset: int) -> int:
        number, place = divmod(offset, PAGE)
        page = self._pages.get(number)
        return self._empty if page is None else int(page[place])

    def __setitem__(self, offset: int, value: int) -> None:
        number, place = divmod(offset, PAGE)
        page = self._pages.get(number)
        if page is None:
            page = self._pages[number] = np.full(PAGE, self._empty, np.int64)
        page[place] = value

    def between(self, first: int, end: int) -> NDArray[np.int64]:
        """Return the numbers of the offsets from `first` up to and without `end`, in order."""
        found = np.full(max(end - first, 0), self._empty, np.int64)
        for number, page in self._pages.items():
            begin = number * PAGE
            low, high = max(begin, first), min(begin + PAGE, end)
            if low < high:
                found[low - first : high - first] = page[low - begin : high - begin]
        return found
