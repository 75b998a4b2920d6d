"""What a replayed result says of its making, in the headers of its record in `results.<name>`."""

from contracts.errors import InvalidRecord
from contracts.frames import Headers

_MIN_CONFIDENCE = "min-confidence"


def replay_headers(min_confidence: float) -> list[tuple[str, bytes]]:
    """Return the headers of each result of one replay.

    `min_confidence`: detections below it were not written. The document does not say so, and two
    versions are only compared fairly from the same confidence on.
    """
    return [(_MIN_CONFIDENCE, str(min_confidence).encode())]


def min_confidence_of(headers: Headers) -> float | None:
    """Return what `replay_headers` wrote; None in a record of live, which has no headers.

    Raises InvalidRecord if it is no confidence.
    """
    value = dict(headers).get(_MIN_CONFIDENCE)
    if value is None:
        return None
    try:
        confidence = float(value)
    except ValueError as error:
        raise InvalidRecord(f"header {_MIN_CONFIDENCE!r} is {value!r}: no number") from error
    if not 0.0 <= confidence <= 1.0:
        raise InvalidRecord(f"header {_MIN_CONFIDENCE!r} is {confidence}: expected 0 to 1")
    return confidence
