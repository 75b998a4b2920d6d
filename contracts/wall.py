"""What the viewer tells of a running pipeline: its page draws it, `framerail watch` prints it.

Times are milliseconds since the epoch, UTC: a browser's numbers do not hold nanoseconds. A figure
is None where nobody tells it, never 0 instead.
"""

from typing import Literal

from msgspec import Struct

WALL_VERSION: Literal[1] = 1

StreamState = Literal["live", "behind", "silent", "reconnecting"]
"""`behind`: results are late; `silent`: connected, and no frame comes, or nobody tells of it."""

StageName = Literal["capture", "publish", "infer", "store"]


class Picture(Struct, frozen=True, kw_only=True):
    """One annotated frame; the viewer serves it at `/pictures/<key>`, S3 at `/s3/<key>`."""

    key: str
    offset: int
    captured_ms: int
    detections: int


class StreamTile(Struct, frozen=True, kw_only=True):
    """One stream as it is now. Rates are frames/s over the last seconds, `*_s` seconds.

    `behind_s` is how much newer the newest captured frame is than the newest inferred one;
    `dropped` counts by reason since its producer started; `now` counts the objects of the newest
    inferred frame by label; `picture` is the newest that is in S3.
    """

    stream_id: str
    state: StreamState
    captured_fps: float | None = None
    published_fps: float | None = None
    inferred_fps: float | None = None
    behind_s: float | None = None
    dropped: dict[str, int] = {}
    dropped_fps: float | None = None
    reconnects: int = 0
    captured_ms: int | None = None
    now: dict[str, int] = {}
    picture: Picture | None = None


class Stage(Struct, frozen=True, kw_only=True):
    """One stage of the pipeline over all streams.

    `rate` is a second's frames, of `store` a second's pictures; `behind_s` is how far the stage is
    behind the camera on its worst stream; `in_hand` are the frames, batches or results that it
    holds, as `unit` says.
    """

    name: StageName
    rate: float | None = None
    behind_s: float | None = None
    in_hand: int | None = None
    unit: Literal["frames", "batches", "results"] = "frames"


class ServiceHealth(Struct, frozen=True, kw_only=True):
    """One service: how many of its processes answer, and what is wrong where one does not."""

    name: str
    answering: int
    known: int
    problem: str | None = None


class LedgerVerdict(Struct, frozen=True, kw_only=True):
    """What `framerail ledger --publish` found last; `since_ms` is None where it read everything.

    `captured` to `missing_pictures` are sums over all streams: where the books close, captured +
    replayed = published + dropped, and published = inferred + waiting + dead_lettered. `problems`
    names what keeps the books of a stream from closing, the first of them only.
    """

    closed: bool
    at_ms: int
    since_ms: int | None = None
    streams: int = 0
    captured: int = 0
    published: int = 0
    replayed: int = 0
    dropped: int = 0
    inferred: int = 0
    waiting: int = 0
    dead_lettered: int = 0
    pictures: int = 0
    missing_pictures: int = 0
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Wall(Struct, frozen=True, kw_only=True):
    """Everything at a glance; `problems` says what the viewer itself cannot see, and why."""

    v: Literal[1] = WALL_VERSION
    at_ms: int
    streams: tuple[StreamTile, ...] = ()
    stages: tuple[Stage, ...] = ()
    services: tuple[ServiceHealth, ...] = ()
    ledger: LedgerVerdict | None = None
    bucket: str = ""
    problems: tuple[str, ...] = ()


class BatchView(Struct, frozen=True, kw_only=True):
    """One batch of a stream as its result tells it; offsets are inclusive.

    `counts` holds the most objects of each label in any one of its frames; `captured_ms` and
    `detections` have one number a frame, in order of offset; `is_stored` says whether the
    post-processor is done with it: its pictures are in S3, but those that it had to refuse.
    """

    batch_id: str
    first_offset: int
    last_offset: int
    closed_by: str
    model: str
    captured_ms: tuple[int, ...]
    detections: tuple[int, ...]
    counts: dict[str, int]
    not_inferred: int
    inferred_ms: int
    gather_ms: float
    decode_ms: float
    infer_ms: float
    is_stored: bool
    pictures: tuple[Picture, ...] = ()


class StreamDetail(Struct, frozen=True, kw_only=True):
    """One stream close up; the newest batch comes first."""

    v: Literal[1] = WALL_VERSION
    at_ms: int
    stream: StreamTile
    batches: tuple[BatchView, ...] = ()
