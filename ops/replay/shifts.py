"""How far confidences moved: exact to a ten-thousandth, in memory that does not grow."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from msgspec import Struct

STEPS = 10_000
"""A step is a ten-thousandth: to so many digits the consumer rounds a confidence."""

EDGES = (-1.0, -0.2, -0.1, -0.05, -0.02, -0.005, 0.005, 0.02, 0.05, 0.1, 0.2, 1.0)


class Bin(Struct, frozen=True):
    """How many shifts lie from `least` up to `most`; `most` itself is in the next bin."""

    least: float
    most: float
    boxes: int


class ShiftReport(Struct, frozen=True):
    """Confidence in B less confidence in A, over the matched boxes."""

    mean: float
    p5: float
    p50: float
    p95: float
    histogram: list[Bin]


class Shifts:
    """Counts each shift from -1 to 1."""

    def __init__(self) -> None:
        self._counts = np.zeros(2 * STEPS + 1, np.int64)

    def add(self, shift: float) -> None:
        """Count one shift."""
        self._counts[round(min(max(shift, -1.0), 1.0) * STEPS) + STEPS] += 1

    def report(self, edges: Sequence[float] = EDGES) -> ShiftReport | None:
        """Return what was counted, None if nothing was."""
        total = int(self._counts.sum())
        if total == 0:
            return None
        steps = np.arange(-STEPS, STEPS + 1)
        return ShiftReport(
            mean=round(int(steps @ self._counts) / (total * STEPS), 5),
            p5=self._quantile(0.05),
            p50=self._quantile(0.5),
            p95=self._quantile(0.95),
            histogram=self._histogram(edges),
        )

    def _quantile(self, share: float) -> float:
        """The least shift that this share of all does not pass (nearest rank)."""
        cumulative = self._counts.cumsum()
        rank = max(1, int(np.ceil(share * cumulative[-1])))
        return (int(cumulative.searchsorted(rank)) - STEPS) / STEPS

    def _histogram(self, edges: Sequence[float]) -> list[Bin]:
        at = [round(edge * STEPS) + STEPS for edge in edges]
        at[-1] += 1  # the last bin holds its upper edge too
        sums = [int(self._counts[first:end].sum()) for first, end in pairwise(at)]
        return [Bin(*ends, boxes) for ends, boxes in zip(pairwise(edges), sums, strict=True)]
