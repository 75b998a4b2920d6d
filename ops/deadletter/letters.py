"""The dead letters as one reads them: each with what was done about it since. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

from contracts.deadletters import DeadLetter, Mark, Stage
from contracts.errors import InvalidRecord
from contracts.names import RESULTS_TOPIC, checked_stream_id, stream_of_topic
from runtime.errors import ConfigurationError

State = Literal["open", "replayed", "dropped"]
MAX_FOLDED_CHARS = 160
_LAST_MS = round(datetime(9999, 12, 31, tzinfo=UTC).timestamp() * 1000)
"""Whoever writes a record gives it its time: any number of 64 bits."""


class ListedLetter(Struct, frozen=True, kw_only=True):
    """One dead letter; `offset` is its place in `deadletter`, `refused` names the record itself.

    `when` is when it was written, in UTC; `attempts` counts those of earlier times too, where the
    record had been put back and `replay_of` says from where. `value_bytes` is None where the value
    was too large to be kept.
    """

    offset: int
    stage: Stage
    stream: str | None
    refused: str
    when: str
    attempts: int
    reason: str
    state: State = "open"
    replay_of: str | None = None
    value_bytes: int | None = None


class LetterGroup(Struct, frozen=True, kw_only=True):
    """Dead letters of one stage that were refused for one reason; numbers in it stand as N."""

    stage: Stage
    reason: str
    count: int
    open: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which dead letters are meant; None stands for all."""

    stream: str | None = None
    stage: Stage | None = None
    state: State | None = None

    def admits(self, letter: ListedLetter) -> bool:
        """Return whether a letter is meant."""
        return (
            self.stream in (None, letter.stream)
            and self.stage in (None, letter.stage)
            and self.state in (None, letter.state)
        )


def listed(
    offset: int, letter: DeadLetter, key: bytes | None, timestamp_ms: int, value: bytes | None
) -> ListedLetter:
    """Return the letter at an offset of the topic as it is listed, before any mark."""
    when = datetime.fromtimestamp(min(max(timestamp_ms, 0), _LAST_MS) / 1000, UTC)
    is_left_out = letter.left_out_bytes is not None
    return ListedLetter(
        offset=offset,
        stage=letter.stage,
        stream=_stream(letter, key),
        refused=str(letter.coordinates),
        when=when.isoformat(timespec="milliseconds"),
        attempts=letter.attempts,
        reason=letter.reason,
        replay_of=None if letter.replay_of is None else str(letter.replay_of),
        value_bytes=None if is_left_out else len(value or b""),
    )


def state_of(marks: Mapping[int, Mark], offset: int) -> State:
    """Return what was done about the letter at an offset; `marks` holds the last of each."""
    return marks[offset].deed if offset in marks else "open"


def chosen(
    letters: Mapping[int, ListedLetter], offsets: Sequence[int], wanted: Wanted, again: bool
) -> list[ListedLetter]:
    """Return the letters at the offsets, or all that are wanted and open where none is given.

    With `again` those that were put back before may be chosen too. Raises ConfigurationError for an
    offset that holds no letter, or one about which something was done.
    """
    if not offsets:
        states = ("open", "replayed") if again else ("open",)
        return [one for one in letters.values() if wanted.admits(one) and one.state in states]
    return [_chosen(letters, offset, again) for offset in dict.fromkeys(offsets)]


def _chosen(letters: Mapping[int, ListedLetter], offset: int, again: bool) -> ListedLetter:
    if offset not in letters:
        raise ConfigurationError(f"{offset}: no dead letter lies there; it may have expired")
    letter = letters[offset]
    if letter.state != "open" and not again:
        raise ConfigurationError(f"{offset}: it was {letter.state} already")
    return letter


def history(letters: Iterable[ListedLetter], letter: ListedLetter) -> list[ListedLetter]:
    """Return the earlier letters of the same record, the oldest first, as far as they are held."""
    by_name = {one.refused: one for one in letters if one.offset < letter.offset}
    found: list[ListedLetter] = []
    while letter.replay_of in by_name and by_name[letter.replay_of] not in found:
        letter = by_name[letter.replay_of]
        found.insert(0, letter)
    return found


def groups(letters: Iterable[ListedLetter]) -> list[LetterGroup]:
    """Return how many there are by stage and reason, the most frequent first."""
    counts: Counter[tuple[Stage, str]] = Counter()
    still_open: Counter[tuple[Stage, str]] = Counter()
    for letter in letters:
        kind = letter.stage, folded(letter.reason)
        counts[kind] += 1
        still_open[kind] += letter.state == "open"
    return [
        LetterGroup(stage=kind[0], reason=kind[1], count=count, open=still_open[kind])
        for kind, count in counts.most_common()
    ]


def folded(reason: str) -> str:
    """Return a reason without its numbers, so that equal ones look equal."""
    return re.sub(r"\d+", "N", reason)[:MAX_FOLDED_CHARS]


def _stream(letter: DeadLetter, key: bytes | None) -> str | None:
    with suppress(InvalidRecord):
        if letter.topic != RESULTS_TOPIC:
            return stream_of_topic(letter.topic)
        # The key of a result is its stream; where it had none, its topic stands there.
        text = (key or b"").decode("utf-8", "replace")
        return None if text == RESULTS_TOPIC else checked_stream_id(text)
    return None
