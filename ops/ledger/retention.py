"""What a topic may have held that nobody can read any more."""

from math import inf

CLOCK_MARGIN_MS = 60_000
"""Two records' times may be by two clocks; a camera's is believed up to 10 s off by default."""


class Retention:
    """Follows the reading of one topic, and what expired of it before and meanwhile.

    `first_offset` is where the reading begins. `is_chosen` says that what lies before it was left
    out on purpose, not by retention.
    """

    def __init__(self, first_offset: int, is_chosen: bool = False) -> None:
        self.next_offset = first_offset
        self._held_since_ms = inf if first_offset > 0 and not is_chosen else -inf

    @property
    def gone_until_ms(self) -> float:
        """A record of this time or before may have expired; -inf where none can have.

        In milliseconds since the epoch; inf where all that there was has expired.
        """
        return self._held_since_ms + CLOCK_MARGIN_MS

    def take(self, offset: int, timestamp_ms: int) -> None:
        """Note the next record that was read."""
        if self._held_since_ms == inf:
            self._held_since_ms = timestamp_ms
        self.next_offset = offset + 1

    def expire_until(self, offset: int) -> None:
        """Say that what was not read yet of the records before `offset` has expired."""
        self.next_offset = offset
        self._held_since_ms = inf
