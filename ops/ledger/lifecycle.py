"""How many days S3 keeps the pictures of a stream, by the rules of the bucket's own lifecycle."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def kept_days(rules: Sequence[Mapping[str, Any]], stream_id: str) -> int | None:
    """Return after how many days S3 may delete a picture of the stream; None where it never does.

    A rule that looks at tags or sizes too is taken as if it did not: it may delete.
    """
    prefix = f"evidence/{stream_id}/"
    found = [
        rule["Expiration"]["Days"]
        for rule in rules
        if rule.get("Status") == "Enabled"
        and "Days" in rule.get("Expiration", {})
        and prefix.startswith(_prefix(rule))
    ]
    return min(found, default=None)


def may_have_expired(captured_ns: int, days: int | None, now: datetime) -> bool:
    """Return whether S3 may have deleted a picture of that capture time (ns since the epoch).

    S3 counts from when an object was stored, never before its capture, up to the next midnight UTC
    (Amazon S3 User Guide, "Lifecycle configuration elements"). The day in its key is that of
    capture.
    """
    if days is None:
        return False
    captured = _EPOCH + timedelta(days=captured_ns // (24 * 3600 * 1_000_000_000))
    return now >= captured + timedelta(days=days)


def _prefix(rule: Mapping[str, Any]) -> str:
    chosen = rule.get("Filter", {})
    prefix: str = chosen.get("Prefix", chosen.get("And", {}).get("Prefix", rule.get("Prefix", "")))
    return prefix
