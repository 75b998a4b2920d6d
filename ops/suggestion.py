"""What a person may have meant who named something that is not there."""

from collections.abc import Iterable
from difflib import get_close_matches

LISTED = 8


def nearest(wrong: str, known: Iterable[str]) -> str:
    """Return the end of a message: the names most like a wrong one, else some that there are."""
    names = sorted(known)
    if close := get_close_matches(wrong, names):
        return f"; did you mean {' or '.join(close)}?"
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"; there are {', '.join(names[:LISTED])}{more}" if names else "; there are none"
