"""The frames that changed most, at most one of each second: their neighbours show the same."""

from heapq import heappush, heappushpop

from ops.replay.comparison import FrameDifference

NS_PER_S = 1_000_000_000


class Biggest:
    """Keeps `wanted` differences of those that it is shown in order of capture."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._kept: list[tuple[float, int, FrameDifference]] = []
        self._of_this_second: FrameDifference | None = None

    def add(self, shown: FrameDifference) -> None:
        """Consider one frame; one without a lost or a new box is passed over."""
        if not shown.weight:
            return
        before = self._of_this_second
        if before is not None and _second(before) == _second(shown):
            if shown.weight > before.weight:
                self._of_this_second = shown
            return
        self._keep(before)
        self._of_this_second = shown

    def ranked(self) -> list[FrameDifference]:
        """Return those kept, the biggest first, the earlier of equals first."""
        self._keep(self._of_this_second)
        self._of_this_second = None
        return [
            shown for _, _, shown in sorted(self._kept, key=lambda kept: kept[:2], reverse=True)
        ]

    def _keep(self, shown: FrameDifference | None) -> None:
        if shown is None or not self._wanted:
            return
        entry = (shown.weight, -shown.a.offset, shown)
        if len(self._kept) < self._wanted:
            heappush(self._kept, entry)
        else:
            heappushpop(self._kept, entry)


def _second(shown: FrameDifference) -> int:
    return shown.a.captured_ns // NS_PER_S
