"""Names that outlive a process: stream ids, topics, batch ids and evidence keys."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from contracts.errors import InvalidRecord

RESULTS_TOPIC = "results"
RESULTS_PREFIX = "results."
"""What replays write to. `results` alone is live: the post-processor reads no other topic."""
DEADLETTER_TOPIC = "deadletter"
LEDGER_KEY = "ledger/latest.json"
"""The S3 object of the newest verdict that `framerail ledger --publish` wrote."""
FRAMES_PREFIX = "frames."
FRAMES_PATTERN = r"^frames\.[a-z0-9][a-z0-9-]{0,62}$"
"""What the consumer subscribes to: a camera that is added later is found without a restart."""

STREAM_ID_PATTERN = r"[a-z0-9][a-z0-9-]{0,62}"
"""A DNS label (RFC 1123): fit for a topic, an S3 key, a Kubernetes name and a URL at once."""

REPLAY_NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9-]{0,126}"
"""Room for a stream id, a model version and a time, and no dot: it cannot be taken for a topic."""

MAX_OFFSET = 2**63 - 1

_STREAM_ID = re.compile(STREAM_ID_PATTERN)
_REPLAY_NAME = re.compile(REPLAY_NAME_PATTERN)
_OFFSET_DIGITS = 20
"""A Kafka offset is a signed 64-bit number: 19 digits; padded so that ids sort as offsets do."""
_BATCH_ID = re.compile(
    rf"(?P<topic>.{{1,249}})-(?P<partition>\d{{1,10}})-(?P<first>\d{{{_OFFSET_DIGITS}}})", re.ASCII
)
_EVIDENCE_KEY = re.compile(
    rf"evidence/(?P<stream>{STREAM_ID_PATTERN})/\d{{4}}/\d{{2}}/\d{{2}}/"
    rf"frames\.(?P=stream)-\d{{1,10}}-\d{{{_OFFSET_DIGITS}}}/\d{{1,19}}\.jpg",
    re.ASCII,
)
_SHOWN_CHARS = 80
"""Of a value that breaks a rule, in the message that says so: the value may be a document."""


def shown(text: str) -> str:
    """Return a text as a message quotes it: no more than its beginning, and all on one line."""
    return repr(text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "...")


def checked_stream_id(stream_id: str) -> str:
    """Return `stream_id` unchanged, or raise InvalidRecord if it could not name a topic."""
    if not _STREAM_ID.fullmatch(stream_id):
        raise InvalidRecord(
            f"stream id {shown(stream_id)}: expected 1 to 63 of a-z, 0-9 and '-', "
            "not starting with '-'"
        )
    return stream_id


def frames_topic(stream_id: str) -> str:
    """Return the topic that carries the frames of one stream."""
    return FRAMES_PREFIX + checked_stream_id(stream_id)


def stream_of_topic(topic: str) -> str:
    """Return the stream id of a frames topic; raise InvalidRecord for any other topic."""
    if not topic.startswith(FRAMES_PREFIX):
        raise InvalidRecord(f"topic {shown(topic)}: expected {FRAMES_PREFIX}<stream id>")
    return checked_stream_id(topic.removeprefix(FRAMES_PREFIX))


def replay_topic(name: str) -> str:
    """Return the results topic of one replay; raise InvalidRecord if `name` could not make one."""
    if name == RESULTS_TOPIC or not _REPLAY_NAME.fullmatch(name):
        raise InvalidRecord(
            f"replay name {shown(name)}: expected 1 to 127 of a-z, A-Z, 0-9 and '-', not starting "
            f"with '-', and not {RESULTS_TOPIC!r}, which is live"
        )
    return RESULTS_PREFIX + name


def results_topic(text: str) -> str:
    """Return the topic that is meant by `results`, `results.<name>`, or `<name>` for short.

    Raises InvalidRecord if it could be none.
    """
    if text == RESULTS_TOPIC:
        return RESULTS_TOPIC
    return replay_topic(text.removeprefix(RESULTS_PREFIX))


@dataclass(frozen=True, slots=True)
class BatchId:
    """A batch is known by where it begins, so the same frames always carry the same id."""

    topic: str
    partition: int
    first_offset: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}-{self.first_offset:0{_OFFSET_DIGITS}d}"

    @classmethod
    def parse(cls, text: str) -> "BatchId":
        """Read an id back; raise InvalidRecord if it is none."""
        match = _BATCH_ID.fullmatch(text)
        if match is None:
            raise InvalidRecord(f"batch id {shown(text)}: expected <topic>-<partition>-<20 digits>")
        return cls(match["topic"], int(match["partition"]), int(match["first"]))


def evidence_key(batch_id: BatchId, offset: int, captured_ns: int) -> str:
    """Return the S3 key of one annotated frame, the same at every retry.

    `captured_ns` is that frame's capture time in nanoseconds since the epoch; its UTC date makes
    the folders. Raises InvalidRecord for a time that has no date, a topic that carries no frames
    and an offset that Kafka cannot have given.
    """
    try:
        day = datetime.fromtimestamp(captured_ns // 1_000_000_000, tz=UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidRecord(f"captured_ns is {captured_ns}: no time on earth") from error
    if not 0 <= offset <= MAX_OFFSET:
        raise InvalidRecord(f"offset is {offset}: expected 0 to {MAX_OFFSET}")
    stream_id = stream_of_topic(batch_id.topic)
    return f"evidence/{stream_id}/{day:%Y/%m/%d}/{batch_id}/{offset}.jpg"


def checked_evidence_key(key: str) -> str:
    """Return `key` unchanged, or raise InvalidRecord if `evidence_key` could not have made it.

    Whoever asks for a picture by its key gets nothing else out of the bucket.
    """
    if not _EVIDENCE_KEY.fullmatch(key):
        raise InvalidRecord(
            f"picture {shown(key)}: expected evidence/<stream>/<yyyy>/<mm>/<dd>/<batch id>/"
            "<offset>.jpg"
        )
    return key
