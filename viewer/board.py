"""Everything the viewer knows, and the wall that it tells of it. Pure; one thread owns it.

`now_ms` is the wall clock in milliseconds since the epoch, `now_s` any monotonic clock in seconds.
"""

from collections.abc import Sequence

from contracts.wall import LedgerVerdict, ServiceHealth, StreamDetail, StreamTile, Wall
from viewer import families
from viewer.batches import Batch
from viewer.figures import WINDOW_S, Progress, ProgressKeeper, rounded, stages
from viewer.history import MAX_STREAMS, History
from viewer.states import Signs, StreamStates
from viewer.telemetry import LONGEST_WINDOW_S, Telemetry

FORGOTTEN_AFTER_S = 3600.0
"""A stream that nobody has told of for so long leaves the wall: its camera was taken away."""
UNREAD_AFTER_S = 300.0
"""The same where every producer answers and none of them reads it; longer than a pod's change."""
PRODUCER = "producer"


class Board:
    """Takes what the edges find, and assembles the wall."""

    def __init__(self, bucket: str, behind_after_s: float, silent_after_s: float) -> None:
        self.telemetry = Telemetry()
        self.history = History()
        self.services: tuple[ServiceHealth, ...] = ()
        self.ledger: LedgerVerdict | None = None
        self._bucket = bucket
        self._states = StreamStates(behind_after_s, silent_after_s)
        self._progress = ProgressKeeper(self.telemetry, self.history)
        self._problems: dict[str, str] = {}
        self._heard_ms: dict[str, int] = {}

    def add(self, batches: Sequence[Batch], now_ms: int) -> None:
        """Take results in the order in which they were read."""
        for batch in batches:
            self.history.add(batch, now_ms)
            # Not when it was read: at a start the results of hours ago are read too.
            heard_ms = max(self._heard_ms.get(batch.stream_id, 0), batch.inferred_ms)
            self._heard_ms[batch.stream_id] = min(heard_ms, now_ms)

    def report(self, subject: str, problem: str | None) -> None:
        """Say what cannot be seen of a subject, or, with None, that it can be seen again."""
        if problem is None:
            self._problems.pop(subject, None)
        else:
            self._problems[subject] = problem

    def wall(self, now_ms: int, now_s: float) -> Wall:
        """Return everything at a glance, the streams in order of their names."""
        self._listen(now_ms)
        streams = sorted(self._heard_ms)
        progress = {stream: self._progress.progress(stream) for stream in streams}
        tiles = tuple(self._tile(stream, progress[stream], now_ms, now_s) for stream in streams)
        return Wall(
            at_ms=now_ms,
            streams=tiles,
            stages=stages(self.telemetry, progress),
            services=self.services,
            ledger=self.ledger,
            bucket=self._bucket,
            problems=tuple(dict.fromkeys(self._problems.values())),
        )

    def detail(self, stream_id: str, now_ms: int, now_s: float) -> StreamDetail | None:
        """Return one stream close up, None if it is not on the wall."""
        if stream_id not in self._heard_ms:
            return None
        tile = self._tile(stream_id, self._progress.progress(stream_id), now_ms, now_s)
        batches = self.history.batches(stream_id)
        views = tuple(batch.view(is_stored=self.history.is_stored(batch)) for batch in batches)
        return StreamDetail(at_ms=now_ms, stream=tile, batches=views)

    def _listen(self, now_ms: int) -> None:
        """Let streams that are told of now onto the wall, and those of long ago off it."""
        for stream in self.telemetry.streams:
            if not self._is_unread(stream):
                self._heard_ms[stream] = now_ms
        kept_s = UNREAD_AFTER_S if self._is_every_producer_heard else FORGOTTEN_AFTER_S
        gone = [
            stream
            for stream, heard_ms in self._heard_ms.items()
            if now_ms - heard_ms > kept_s * 1000
        ]
        # Those whose metrics are read come first: a stranger's results push no camera off the wall.
        newest = sorted(self._heard_ms, key=lambda stream: -self._heard_ms[stream])
        surplus = newest[MAX_STREAMS:]
        for stream in {*gone, *surplus}:
            self._forget(stream)
        problem = f"more than {MAX_STREAMS} streams: {len(surplus)} of them are not shown"
        self.report("surplus", problem if surplus else None)

    def _tile(self, stream: str, progress: Progress, now_ms: int, now_s: float) -> StreamTile:
        told, newest = self.telemetry, self.history.newest(stream)
        behind_s = rounded(progress.behind_s(progress.inferred_s), 1)
        signs = self._signs(stream, behind_s, newest, now_ms, now_s)
        reconnects = told.total(families.RECONNECTS, stream)
        return StreamTile(
            stream_id=stream,
            state=self._states.state(stream, signs, now_s),
            captured_fps=rounded(told.rate(families.CAPTURED, stream, WINDOW_S), 2),
            published_fps=rounded(told.rate(families.PUBLISHED, stream, WINDOW_S), 2),
            inferred_fps=rounded(told.rate(families.INFERRED, stream, LONGEST_WINDOW_S), 2),
            behind_s=behind_s,
            dropped=told.by_reason(families.DROPPED, stream),
            dropped_fps=rounded(told.rate(families.DROPPED, stream, WINDOW_S), 2),
            reconnects=0 if reconnects is None else round(reconnects),
            captured_ms=_captured_ms(progress, newest),
            now={} if newest is None else newest.now,
            picture=self.history.picture(stream),
        )

    def _signs(
        self,
        stream: str,
        behind_s: float | None,
        newest: Batch | None,
        now_ms: int,
        now_s: float,
    ) -> Signs:
        connected = self.telemetry.newest(families.CONNECTED, stream)
        is_unread = self._is_unread(stream)
        return Signs(
            is_connected=None if connected is None else connected > 0,
            still_s=self.telemetry.still_s(families.CAPTURED, stream, now_s),
            behind_s=behind_s,
            result_age_s=None
            if newest is None or is_unread
            else (now_ms - newest.inferred_ms) / 1000,
            result_gap_s=self.history.gap_s(stream),
        )

    def _is_unread(self, stream: str) -> bool:
        """Whether no producer reads its camera; a consumer may tell of it as long as it runs."""
        is_told = self.telemetry.total(families.CAPTURED, stream) is not None
        return self._is_every_producer_heard and not is_told

    @property
    def _is_every_producer_heard(self) -> bool:
        told = [one for one in self.services if one.name == PRODUCER]
        return bool(told) and all(0 < one.known == one.answering for one in told)

    def _forget(self, stream: str) -> None:
        del self._heard_ms[stream]
        self.history.forget(stream)
        self._states.forget(stream)
        self._progress.forget(stream)


def _captured_ms(progress: Progress, newest: Batch | None) -> int | None:
    """Return when the newest frame that anybody tells of was captured."""
    if progress.captured_s is not None:
        return round(progress.captured_s * 1000)
    return None if newest is None else newest.captured_ms[-1]
