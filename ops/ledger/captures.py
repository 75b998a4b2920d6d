"""Adds up the frames of one stream that its log tells of: published, dropped and put back."""

from collections import Counter, deque

from contracts.frames import FrameHeaders

SESSIONS_KEPT = 2
"""A session begins when the one before has ended: no frame comes of an older one."""


class Captures:
    """Takes the records of a frames topic in order of offset, from `first_offset` on.

    Captured is counted from the sequence numbers, dropped from what the frames tell: two sides, so
    that a frame of which nothing is told shows. An offset that holds no record, as the marker of a
    foreign transaction, is no frame; a frame that should be there shows in the numbers.
    """

    def __init__(self, first_offset: int) -> None:
        self.captured = 0
        self.replayed = 0
        self.dropped: Counter[str] = Counter()
        self.expired: list[range] = []
        """Offsets that retention took while the log was read."""
        self.holes: list[range] = []
        """Offsets without a record, the expired ones among them."""
        self._next_offset = first_offset
        self._is_cut = first_offset > 0
        self._is_after_cut = self._is_cut
        self._last_seq: dict[str, int] = {}
        self._balance = 0
        self._untold: dict[int, int] = {}

    @property
    def next_offset(self) -> int:
        """The offset to read next."""
        return self._next_offset

    def add(self, offset: int, headers: FrameHeaders | None, is_replay: bool = False) -> None:
        """Count one published frame, and what its headers tell of others.

        `headers` is None for a record that is no frame of ours: no more is known of it. One that
        was put back was captured before, and tells of nothing else.
        """
        self.read_until(offset)
        self._next_offset = offset + 1
        if is_replay:
            self.replayed += 1
        elif headers is None:
            self.captured += 1
        else:
            self._add_live(offset, headers)

    def read_until(self, offset: int) -> None:
        """Say that no record comes from before `offset` any more."""
        if offset > self._next_offset:
            self.holes.append(range(self._next_offset, offset))
            self._next_offset = offset

    def expire_until(self, offset: int) -> None:
        """Say that what was not read yet of the frames before `offset` has expired."""
        if offset > self._next_offset:
            self.expired.append(range(self._next_offset, offset))
            self.read_until(offset)
            self._is_cut = self._is_after_cut = True

    def untold(self) -> dict[int, int]:
        """Return, by the offset of the frame behind them, captured frames of which nothing is told.

        Below 0: so many more drops were told, or frames published, than the camera delivered.
        """
        if not self._balance:
            return {}
        waiting: deque[int] = deque()
        left = dict(self._untold)
        for offset, surplus in self._untold.items():
            if surplus > 0:
                waiting.append(offset)
            # A frame that Kafka refused is told of by a later one than the next.
            while waiting and left[offset] < 0:
                settled = min(left[waiting[0]], -left[offset])
                left[offset] += settled
                left[waiting[0]] -= settled
                if not left[waiting[0]]:
                    waiting.popleft()
        return {offset: count for offset, count in left.items() if count}

    def _add_live(self, offset: int, headers: FrameHeaders) -> None:
        dropped = sum(headers.dropped.values())
        skipped = self._skipped(headers, dropped)
        surplus = skipped - dropped
        if self._is_cut and surplus < 0 <= skipped and self._balance + surplus < 0:
            # Kafka had refused a frame from before the account, and its drops are told only now.
            late = -(self._balance + surplus) if self._balance > 0 else -surplus
            skipped, surplus = skipped + late, surplus + late
        if surplus:
            self._untold[offset] = surplus
        self._balance += surplus
        self.captured += 1 + skipped
        self.dropped.update(headers.dropped)
        self._last_seq.pop(headers.session, None)
        self._last_seq[headers.session] = headers.seq
        if len(self._last_seq) > SESSIONS_KEPT:
            del self._last_seq[next(iter(self._last_seq))]

    def _skipped(self, headers: FrameHeaders, dropped: int) -> int:
        """Return how many captured frames lie between this one and the one before it."""
        if self._is_after_cut:
            self._is_after_cut = False
            return dropped  # what lies before it has expired
        last_seq = self._last_seq.get(headers.session)
        if last_seq is None:
            # The first frame of a session also tells of drops at the end of the one before.
            return max(headers.seq, dropped)
        return headers.seq - last_seq - 1
