"""Judges what is not where it should be: on its way, put aside, expired, or missing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from msgspec import Struct

from contracts.coordinates import Coordinates
from contracts.names import RESULTS_TOPIC, frames_topic
from ops.ledger.accounts import FrameAccount
from ops.ledger.lifecycle import may_have_expired
from ops.ledger.outcomes import EMPTY, Promise
from ops.ledger.refusals import Refusals
from ops.ledger.tally import StreamTally


class PictureAccount(Struct, frozen=True, kw_only=True):
    """Promised = stored + mismatched + waiting + refused + expired + missing.

    `mismatched` objects say that they show another frame; `refused` ones could not be drawn, which
    a dead letter tells; `expired` ones may have been deleted by S3's lifecycle, or what would tell
    of their refusal by Kafka's retention.
    """

    promised: int = 0
    stored: int = 0
    mismatched: int = 0
    waiting: int = 0
    refused: int = 0
    expired: int = 0
    missing: int = 0


class Named(Struct, frozen=True, kw_only=True):
    """Whatever keeps the books from closing, by name; frames as `frames.cam1-0@1234`."""

    untold: tuple[str, ...] = ()
    expired_unread: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    without_dead_letter: tuple[str, ...] = ()
    missing_pictures: tuple[str, ...] = ()
    mismatched_pictures: tuple[str, ...] = ()


class StreamLedger(FrameAccount, frozen=True, kw_only=True):
    """What Kafka and S3 prove of one stream."""

    closed: bool
    committed: int | None
    dead_letters_missing: int
    dead_letters_expired: int
    pictures: PictureAccount
    named: Named


class Ledger(Struct, frozen=True, kw_only=True):
    """All that `framerail ledger --json` tells. `since` is a time in UTC, ISO 8601.

    `results_expired_unread` went before the post-processors had come to them: nobody knows of which
    streams they were.
    """

    closed: bool
    since: str | None
    streams: Mapping[str, StreamLedger]
    results_expired_unread: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known beside the records of a stream.

    `results_committed` is where the post-processors' group has got to. A dead letter of
    `letters_gone_until_ms` or before may have expired; S3 keeps pictures for `kept_days`, for ever
    if None.
    """

    results_committed: int | None
    refusals: Refusals
    letters_gone_until_ms: float
    kept_days: int | None
    now: datetime


@dataclass
class PictureVerdicts:
    """Judges the promised pictures of one stream, one by one."""

    evidence: Evidence
    counts: dict[str, int] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    mismatched: list[str] = field(default_factory=list)

    def judge(self, promise: Promise, metadata: Mapping[str, str] | None) -> None:
        """Count one picture; `metadata` is None where S3 has no object of its key."""
        if metadata is None:
            fate = self._absent(promise)
            if fate == "missing":
                self.missing.append(promise.key)
        elif wrong := _mismatch(promise, metadata):
            fate = "mismatched"
            self.mismatched.append(f"{promise.key}: {wrong}")
        else:
            fate = "stored"
        self.counts[fate] = self.counts.get(fate, 0) + 1

    def account(self) -> PictureAccount:
        """Return the figures."""
        return PictureAccount(promised=sum(self.counts.values()), **self.counts)

    def _absent(self, promise: Promise) -> str:
        facts = self.evidence
        if facts.results_committed is None or promise.result_offset >= facts.results_committed:
            return "waiting"
        if facts.refusals.tells_of(promise.result_offset, promise.offset):
            return "refused"
        if promise.inferred_ms <= facts.letters_gone_until_ms:
            return "expired"
        if may_have_expired(promise.captured_ns, facts.kept_days, facts.now):
            return "expired"
        return "missing"


def _mismatch(promise: Promise, metadata: Mapping[str, str]) -> str:
    if EMPTY in metadata:
        return "it holds no bytes"
    expected = {
        "topic": promise.batch_id.topic,
        "partition": str(promise.batch_id.partition),
        "offset": str(promise.offset),
        "batch-id": str(promise.batch_id),
    }
    return ", ".join(
        f"{name} is {metadata.get(name)!r}, not {value!r}"
        for name, value in expected.items()
        if metadata.get(name) != value
    )


def stream_ledger(tally: StreamTally, pictures: PictureVerdicts) -> StreamLedger:
    """Return what is proven of one stream."""
    account = tally.account()
    unlettered = tally.without_dead_letter()
    gone_until_ms = pictures.evidence.letters_gone_until_ms
    missing = [offset for offset, written_ms in unlettered.items() if written_ms > gone_until_ms]
    named = Named(
        untold=tuple(_untold(tally)),
        expired_unread=_span(frames_topic(tally.stream_id), tally.expired_unread()),
        lost=_names(tally, tally.lost()),
        doubled=_names(tally, tally.doubled()),
        without_dead_letter=_names(tally, missing),
        missing_pictures=tuple(sorted(pictures.missing)),
        mismatched_pictures=tuple(sorted(pictures.mismatched)),
    )
    return StreamLedger(
        **msgspec.structs.asdict(account),
        closed=account.adds_up and not any(msgspec.structs.astuple(named)),
        committed=tally.committed,
        dead_letters_missing=len(missing),
        dead_letters_expired=len(unlettered) - len(missing),
        pictures=pictures.account(),
        named=named,
    )


def _names(tally: StreamTally, offsets: Iterable[int]) -> tuple[str, ...]:
    topic = frames_topic(tally.stream_id)
    return tuple(str(Coordinates(topic, 0, offset)) for offset in offsets)


def ledger_of(
    streams: Mapping[str, StreamLedger],
    since: str | None,
    results_expired_unread: range,
    notes: Iterable[str],
) -> Ledger:
    """Return what is proven of all; the books close where nothing is missing of any."""
    return Ledger(
        closed=all(stream.closed for stream in streams.values()) and not results_expired_unread,
        since=since,
        streams=streams,
        results_expired_unread=_span(RESULTS_TOPIC, results_expired_unread),
        notes=tuple(notes),
    )


def _span(topic: str, offsets: range) -> tuple[str, ...]:
    if not offsets:
        return ()
    first, last = (Coordinates(topic, 0, at) for at in (offsets[0], offsets[-1]))
    return (f"{first} to {last}: {len(offsets)} of which nothing is known",)


def _untold(tally: StreamTally) -> Iterable[str]:
    untold = tally.untold()
    for name, count in zip(_names(tally, untold), untold.values(), strict=True):
        if count > 0:
            yield f"{name}: nothing is told of {count} captured before it"
        else:
            yield f"{name}: {-count} more are told of than were captured"
