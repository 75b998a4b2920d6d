"""Records that stand in for one that cannot be read: no value, and one header that says why."""

from contracts.frames import Headers

_UNREADABLE = "unreadable"
_MAX_REASON_CHARS = 500


def stand_in_headers(reason: str) -> list[tuple[str, bytes]]:
    """Return the headers of a record that stands in for one which was not read."""
    return [(_UNREADABLE, reason[:_MAX_REASON_CHARS].encode("utf-8", "replace"))]


def unreadable(headers: Headers) -> str | None:
    """Return why a record was not read, or None if it was."""
    if len(headers) != 1 or headers[0][0] != _UNREADABLE:
        return None
    reason = (headers[0][1] or b"")[: 4 * _MAX_REASON_CHARS].decode("utf-8", "replace")
    return f"the record cannot be read: {reason[:_MAX_REASON_CHARS]}"
