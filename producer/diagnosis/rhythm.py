"""Measures how evenly frames come: rate, jitter and pace of arrivals against the media's time."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

JITTER_PERCENTILE = 95
VARIABLE_DEVIATION = 0.35
"""An interval that differs by more than this part from the median belongs to no constant rate: 30
frames/s stamped by a clock of 10 ms stay within it."""
VARIABLE_SHARE = 0.1
_LEAST_INTERVALS = 10
JUMP_S = 10.0
"""No camera shows a frame so seldom: a longer step is a media clock that was set anew."""

Seconds = NDArray[np.float64]
Moment = tuple[float, float]
"""When a frame arrived and when it was captured by the media's own time, both in seconds."""


def rate(arrivals_s: Sequence[float]) -> float | None:
    """Return events a second, None for less than two moments."""
    if len(arrivals_s) < 2 or arrivals_s[-1] <= arrivals_s[0]:
        return None
    return (len(arrivals_s) - 1) / (arrivals_s[-1] - arrivals_s[0])


def longest_gap_ms(arrivals_s: Sequence[float]) -> float | None:
    """Return the longest time between two arrivals."""
    return 1000 * float(np.diff(arrivals_s).max()) if len(arrivals_s) > 1 else None


def jitter_ms(moments: Sequence[Moment]) -> float | None:
    """Return how unevenly frames arrive: all but five in a hundred deviate by less.

    The deviation of two frames is D of RFC 3550, section 6.4.1: how much longer it took between
    their arrivals than between their captures. A percentile, not the RFC's running mean, which
    would tell of the last frames only.
    """
    arrived_s, captured_s = _steps(moments)
    if not arrived_s.size:
        return None
    return 1000 * float(np.percentile(np.abs(arrived_s - captured_s), JITTER_PERCENTILE))


def media_pace(moments: Sequence[Moment]) -> float | None:
    """Return the media seconds that arrive in one second: 1 for live video."""
    arrived_s, captured_s = _steps(moments)
    if arrived_s.size < _LEAST_INTERVALS or arrived_s.sum() <= 0:
        return None
    return float(captured_s.sum() / arrived_s.sum())


def is_variable(captured_s: Sequence[float]) -> bool:
    """Whether the intervals between captures are no one rate's."""
    steps_s = np.diff(np.asarray(captured_s, np.float64))
    steps_s = steps_s[(steps_s > 0) & (steps_s < JUMP_S)]
    if steps_s.size < _LEAST_INTERVALS:
        return False
    median_s = np.median(steps_s)
    is_off = np.abs(steps_s - median_s) > VARIABLE_DEVIATION * median_s
    return bool(is_off.mean() > VARIABLE_SHARE)


def _steps(moments: Sequence[Moment]) -> tuple[Seconds, Seconds]:
    """Return the steps between neighbours by arrival and by capture, without clock jumps."""
    steps_s = np.diff(np.asarray(moments, np.float64).reshape(-1, 2), axis=0)
    is_sound = (steps_s[:, 1] > 0) & (steps_s[:, 1] < JUMP_S)
    return steps_s[is_sound, 0], steps_s[is_sound, 1]
