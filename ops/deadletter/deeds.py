"""What is done about dead letters, one by one, each marked once it is safe."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from contracts.coordinates import Coordinates
from contracts.deadletters import DeadLetter, Mark
from ops.deadletter.letters import ListedLetter
from ops.deadletter.restoring import KeptRecord, PutBack, restored
from runtime.errors import InvalidInput


class Letters(Protocol):
    """Where letters are read and marked, and records put back."""

    def letter(self, offset: int) -> tuple[DeadLetter, KeptRecord]:
        """Return one letter whole; raise InvalidInput if it has expired meanwhile."""

    def original(self, at: Coordinates) -> KeptRecord | None:
        """Return a refused record where Kafka still holds it."""

    def put_back(self, record: PutBack) -> Coordinates:
        """Return where the record lies once it is acknowledged; raise InvalidInput if refused."""

    def mark(self, mark: Mark) -> None:
        """Return once the mark is acknowledged."""


Say = Callable[[int, str], None]


@dataclass
class Outcome:
    """How many letters something was done about, and why not about the others, by offset."""

    done: int = 0
    failed: dict[int, str] = field(default_factory=dict)


def replay(letters: Letters, chosen: Sequence[ListedLetter], say: Say) -> Outcome:
    """Put records back and mark each letter when Kafka has its record.

    A stop between the two leaves a record that was put back and a letter that is open still: it may
    then be put back twice, and is never forgotten. `say` is told of each letter by its offset.
    """
    outcome = Outcome()
    for one in chosen:
        try:
            letter, kept = letters.letter(one.offset)
            is_left_out = letter.left_out_bytes is not None
            original = letters.original(letter.coordinates) if is_left_out else None
            where = letters.put_back(restored(letter, kept, original))
        except InvalidInput as error:
            outcome.failed[one.offset] = str(error)
            say(one.offset, f"stays open: {error}")
            continue
        letters.mark(Mark("replayed", one.offset))
        outcome.done += 1
        say(one.offset, f"{one.refused} put back as {where}")
    return outcome


def drop(letters: Letters, chosen: Sequence[ListedLetter], say: Say) -> Outcome:
    """Mark letters as dropped: nothing will be done about their records."""
    outcome = Outcome()
    for one in chosen:
        letters.mark(Mark("dropped", one.offset))
        outcome.done += 1
        say(one.offset, f"{one.refused} dropped")
    return outcome
