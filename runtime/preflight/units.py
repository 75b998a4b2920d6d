"""Sizes and times as a person reads them: three figures and a unit."""

_STEPS = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


def size(count_bytes: float) -> str:
    """Return bytes in decimal units: 4145152 is "4.15 MB"."""
    for step_bytes, unit in _STEPS:
        if count_bytes >= step_bytes:
            return f"{_figures(count_bytes / step_bytes)} {unit}"
    return f"{count_bytes:.0f} bytes"


def duration(seconds: float) -> str:
    """Return seconds below 2 minutes, minutes below 2 hours, else hours, or "for ever"."""
    if seconds == float("inf"):
        return "for ever"
    if seconds < 120:
        return f"{_figures(seconds)} s"
    if seconds < 2 * 3600:
        return f"{_figures(seconds / 60)} min"
    return f"{_figures(seconds / 3600)} h"


def _figures(number: float) -> str:
    return f"{number:.3g}" if number < 999.5 else f"{number:.0f}"
