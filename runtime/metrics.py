"""What more than one service counts."""

from prometheus_client import Counter

DEAD_LETTERS = Counter(
    "framerail_dead_letters_total", "Records refused and put aside, by the stage.", ["stage"]
)


class BoundedLabels:
    """The values of one label: each new value makes series that stay for the life of a process.

    Whoever writes records chooses some of them, so there is a bound: what comes after the first
    `limit` different ones is counted as `other`. Safe to call from many threads.
    """

    OTHER = "other"

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: set[str] = set()

    def __call__(self, value: str) -> str:
        """Return the value, or OTHER if it is one too many."""
        if value not in self._known:
            if len(self._known) >= self._limit:
                return self.OTHER
            self._known.add(value)
        return value


STREAM_LABELS = BoundedLabels(4096)
CLASS_LABELS = BoundedLabels(1024)
