"""Records of one stream as the account reads them."""

from contracts.frames import FrameHeaders
from contracts.names import BatchId, evidence_key
from contracts.results import (
    BatchResult,
    Detection,
    EvidenceFrame,
    FrameResult,
    Model,
    Source,
    Timings,
)
from ops.ledger.tally import StreamTally


def result(first: int, last: int, refused: int = 0) -> BatchResult:
    batch_id = BatchId("frames.cam1", 0, first)
    person = Detection((0, 0, 1, 1), 0.9, 1, "person")
    frames = tuple(
        FrameResult(at, at, (8, 8), (), "no JPEG")
        if at < first + refused
        else FrameResult(at, at, (8, 8), (person,))
        for at in range(first, last + 1)
    )
    return BatchResult(
        batch_id=str(batch_id),
        stream_id="cam1",
        source=Source("frames.cam1", 0, first, last),
        model=Model("m", "1"),
        closed_by="size",
        captured_first_ns=0,
        captured_last_ns=0,
        inferred_ns=0,
        timings=Timings(0, 0, 0),
        frames=frames,
        evidence=(EvidenceFrame(last, evidence_key(batch_id, last, last), b""),),
    )


def headers(seq: int, session: str = "s1", **dropped: int) -> FrameHeaders:
    return FrameHeaders(session, seq, 0, "arrival", (8, 8), dropped)


def tally_of(frames: list[FrameHeaders], first_offset: int = 0) -> StreamTally:
    tally = StreamTally("cam1", first_offset, first_offset + len(frames))
    for offset, frame in enumerate(frames, first_offset):
        tally.add_frame(offset, frame)
    return tally
