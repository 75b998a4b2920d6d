"""Makes the record that is put back from a dead letter: what, and where to. Pure."""

from dataclasses import dataclass

from contracts.deadletters import DeadLetter, original_headers, replay_headers
from contracts.errors import InvalidRecord
from contracts.frames import Headers
from contracts.names import RESULTS_TOPIC, stream_of_topic
from contracts.stand_ins import unreadable
from runtime.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """A record of Kafka as it lies there."""

    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class PutBack:
    """A record that a service is to read again."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]


def restored(letter: DeadLetter, kept: KeptRecord, original: KeptRecord | None) -> PutBack:
    """Return what the service that refused the record should read again, and where.

    `kept` is the dead letter itself. `original` is the refused record, where Kafka still holds it;
    it is looked at only where the letter was too small for the value. A frame goes to the topic of
    its stream, a result to `results` under its key: its batch keeps its id. Raises InvalidInput,
    saying why, for what cannot be put back.
    """
    if (reason := unreadable(original_headers(kept.headers))) is not None:
        raise InvalidInput(reason)
    if letter.partition != 0:
        raise InvalidInput(f"partition {letter.partition}: {letter.topic} has only partition 0")
    if letter.left_out_bytes is not None:
        kept = KeptRecord(kept.key, *_whole(letter, original))
    return PutBack(
        letter.topic,
        letter.partition,
        _key(letter, kept),
        kept.value,
        replay_headers(letter, kept.headers),
    )


def _whole(letter: DeadLetter, original: KeptRecord | None) -> tuple[bytes | None, Headers]:
    if original is None:
        raise InvalidInput(f"its value was too large to keep, and {letter.coordinates} has expired")
    if len(original.value or b"") != letter.left_out_bytes:
        raise InvalidInput(f"{letter.coordinates} is another record by now")
    return original.value, original.headers


def _key(letter: DeadLetter, kept: KeptRecord) -> bytes:
    if letter.stage.startswith("consumer."):
        try:
            return stream_of_topic(letter.topic).encode()
        except InvalidRecord as error:
            raise InvalidInput(f"stage {letter.stage}: {error}") from error
    if letter.topic != RESULTS_TOPIC:
        raise InvalidInput(f"stage {letter.stage}: topic {letter.topic!r} is not {RESULTS_TOPIC!r}")
    return kept.key or RESULTS_TOPIC.encode()
