"""Walls, and streams close up, as a viewer could tell them: the contract's own structs."""

from contracts.names import BatchId, evidence_key, frames_topic
from contracts.wall import (
    BatchView,
    LedgerVerdict,
    Picture,
    ServiceHealth,
    Stage,
    StreamDetail,
    StreamState,
    StreamTile,
    Wall,
)

DASH = "\N{EN DASH}"
"""What the page writes between two ends, and where a figure is not known."""
AT_MS = 1_795_399_401_000
"""2026-11-23 02:03:21 UTC."""
FPS = 10
BATCH = 25
LONGEST_NAME = "loading-dock-north-side-camera-facing-the-gate-of-building-seven"[:63]


def picture(stream_id: str, at_ms: int = AT_MS, detections: int = 3, number: int = 0) -> Picture:
    first = number * BATCH
    batch_id = BatchId(frames_topic(stream_id), 0, first)
    key = evidence_key(batch_id, first + 7, at_ms * 1_000_000)
    return Picture(key=key, offset=first + 7, captured_ms=at_ms, detections=detections)


def tile(stream_id: str, state: StreamState = "live", **changed: object) -> StreamTile:
    """Return a stream that does well, but for what is changed."""
    fields: dict[str, object] = {
        "captured_fps": 10.0,
        "published_fps": 10.0,
        "inferred_fps": 9.9,
        "behind_s": 2.6,
        "dropped_fps": 0.0,
        "captured_ms": AT_MS,
        "now": {"person": 3},
        "picture": picture(stream_id),
    }
    return StreamTile(stream_id=stream_id, state=state, **{**fields, **changed})  # type: ignore[arg-type]


def stages(fps: float = 40.0) -> tuple[Stage, ...]:
    return (
        Stage(name="capture", rate=fps),
        Stage(name="publish", rate=fps, behind_s=0.1, in_hand=3),
        Stage(name="infer", rate=fps - 0.4, behind_s=2.6, in_hand=2, unit="batches"),
        Stage(name="store", rate=round(fps / BATCH, 1), behind_s=3.4, in_hand=1, unit="results"),
    )


def services() -> tuple[ServiceHealth, ...]:
    return tuple(
        ServiceHealth(name=name, answering=1, known=1)
        for name in ("producer", "consumer", "postproc")
    )


def verdict(**changed: object) -> LedgerVerdict:
    fields: dict[str, object] = {
        "closed": True,
        "at_ms": AT_MS - 12_000,
        "since_ms": AT_MS - 132_000,
        "streams": 4,
        "captured": 4_812,
        "published": 4_800,
        "dropped": 12,
        "inferred": 4_725,
        "waiting": 75,
        "pictures": 189,
    }
    return LedgerVerdict(**{**fields, **changed})  # type: ignore[arg-type]


def wall(*streams: StreamTile, at_ms: int = AT_MS, **changed: object) -> Wall:
    """Return a wall with services and a verdict that do well, but for what is changed."""
    fields: dict[str, object] = {
        "stages": stages(10.0 * len(streams)),
        "services": services(),
        "ledger": verdict(),
        "bucket": "framerail-evidence",
    }
    return Wall(at_ms=at_ms, streams=streams, **{**fields, **changed})  # type: ignore[arg-type]


def four() -> Wall:
    return wall(
        tile("gate", now={"person": 5, "bicycle": 1}),
        tile("yard", captured_fps=25.0, dropped={"paced": 18_204}, now={"person": 2}),
        tile("lobby", now={"person": 1}),
        tile("parking", now={"car": 7, "truck": 1, "dog": 1}, reconnects=2),
    )


def many(streams: int = 64, turn: int = 0) -> Wall:
    """Return a busy wall; from one turn to the next every stream's figures and pictures change."""
    tiles = [_one_of_many(index, turn) for index in range(1, streams + 1)]
    return wall(*tiles, at_ms=AT_MS + turn * 1000)


def _one_of_many(index: int, turn: int) -> StreamTile:
    stream_id = f"cam-{index:02d}"
    at_ms = AT_MS + turn * 1000
    fresh: dict[str, object] = {
        "captured_fps": 9.0 + (index + turn) % 10 / 5,
        "behind_s": 2.0 + (index * 7 + turn) % 20 / 10,
        "captured_ms": at_ms,
        "now": {"person": (index + turn) % 7, "car": (index * turn) % 3},
        "dropped": {"paced": index * turn},
        "picture": picture(stream_id, at_ms - 3000, index % 5, index * 100 + turn),
    }
    if index in {31, 48}:
        fresh["behind_s"] = 14.2
    if index == 52:
        fresh["dropped"] = {"paced": 812, "overload": 40 + 7 * turn}
    if index == 7:
        return tile(stream_id, "silent", captured_fps=0.0, inferred_fps=0.0)
    if index == 23:
        return tile(stream_id, "reconnecting", captured_fps=0.0, reconnects=3 + turn)
    state: StreamState = "behind" if index in {31, 48} else "live"
    return tile(stream_id, state, **fresh)


def detail(
    stream: StreamTile, batches: int = 24, at_ms: int = AT_MS, stored: bool = True
) -> StreamDetail:
    """Return a stream close up, with so many full batches that end at `at_ms`."""
    views = [_batch(stream.stream_id, number, batches, at_ms) for number in range(batches)]
    newest = [] if stored or not views else [_not_stored(views.pop())]
    return StreamDetail(at_ms=at_ms, stream=stream, batches=tuple([*newest, *reversed(views)]))


def _batch(stream_id: str, number: int, batches: int, at_ms: int) -> BatchView:
    first_ms = at_ms - (batches - number) * BATCH * 1000 // FPS
    captured_ms = tuple(first_ms + frame * 1000 // FPS for frame in range(BATCH))
    detections = tuple(_found(number * BATCH + frame) for frame in range(BATCH))
    first = number * BATCH
    return BatchView(
        batch_id=str(BatchId(frames_topic(stream_id), 0, first)),
        first_offset=first,
        last_offset=first + BATCH - 1,
        closed_by="age" if number % 9 == 4 else "size",
        model="ssd_mobilenet/2",
        captured_ms=captured_ms,
        detections=detections,
        counts={"person": max(detections), "bicycle": 1} if max(detections) else {},
        not_inferred=2 if number % 11 == 6 else 0,
        inferred_ms=captured_ms[-1] + 400,
        gather_ms=2412.5,
        decode_ms=61.3,
        infer_ms=214.8 + number,
        is_stored=True,
        pictures=(picture(stream_id, captured_ms[7], detections[7], number),),
    )


def _found(frame: int) -> int:
    """Return how many people walk by: a few waves, and pauses with nobody."""
    wave = (frame // 9 * 7) % 11 - 3 + frame % 3 // 2
    return max(0, min(8, wave))


def _not_stored(batch: BatchView) -> BatchView:
    fields = {name: getattr(batch, name) for name in batch.__struct_fields__}
    return BatchView(**{**fields, "is_stored": False})
