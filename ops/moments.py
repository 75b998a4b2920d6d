"""Times as people write them on a command line."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from runtime.errors import ConfigurationError

_AGO = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def duration_s(text: str) -> float:
    """Return the seconds that are meant by `90s`, `10m`, `2h` or `1d`.

    Raises ConfigurationError for anything else.
    """
    match = _AGO.fullmatch(text)
    if match is None:
        raise ConfigurationError(f"{text!r}: expected how long, as 30s, 10m, 2h or 1d")
    return float(match[1]) * _SECONDS[match[2]]


def moment_of(
    text: str, now: datetime, in_local_zone: Callable[[datetime], datetime] = datetime.astimezone
) -> datetime:
    """Return the moment that is meant by ISO 8601, `now`, or how long ago, as in `90s` or `10m`.

    A time without a zone is local: `in_local_zone` gives it one. Raises ConfigurationError for
    anything else.
    """
    if text == "now":
        return now
    try:
        if _AGO.fullmatch(text) is not None:
            return now - timedelta(seconds=duration_s(text))
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo is not None else in_local_zone(moment)
    except (ValueError, OverflowError) as error:
        raise ConfigurationError(
            f"time {text!r}: expected ISO 8601 as 2026-11-22T10:15:00, with a zone (Z, +05:30) or "
            "local, `now`, or how long ago: 90s, 10m, 2h, 1d"
        ) from error


def epoch_ms(moment: datetime) -> int:
    """Return the milliseconds since the epoch, none before it."""
    return max((moment - _EPOCH) // timedelta(milliseconds=1), 0)
