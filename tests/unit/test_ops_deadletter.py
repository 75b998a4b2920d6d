"""Dead letters as a person is shown them."""

import io

import pytest
from rich.console import Console

from contracts.deadletters import DeadLetter
from ops.deadletter.letters import ListedLetter, State
from ops.deadletter.restoring import KeptRecord
from ops.deadletter.tables import letter_document, print_letter, print_letters


def letter(offset: int, reason: str, state: State = "open", attempts: int = 1) -> ListedLetter:
    return ListedLetter(
        offset=offset,
        stage="consumer.decode",
        stream="entrance-north",
        refused=f"frames.entrance-north-0@{offset * 1000}",
        when="2026-11-23T03:15:00.000+00:00",
        attempts=attempts,
        reason=reason,
        state=state,
    )


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_list_fits_the_terminal_and_keeps_every_reason_whole(width: int) -> None:
    reason = "no JPEG: it begins with 89504e47, which is a PNG, and ffd8 was expected there"
    letters = [letter(12, reason), letter(4113, "too large", "replayed", attempts=3)]
    written = io.StringIO()
    print_letters(Console(file=written, width=width), letters)
    lines = written.getvalue().splitlines()
    said = " ".join(written.getvalue().split())
    assert max(map(len, lines)) <= width
    assert reason in said
    assert "4113 replayed frames.entrance-north-0@4113000 consumer.decode" in said
    assert "2026-11-23 03:15:00, attempt 3" in said


def test_no_letters_are_told_in_words() -> None:
    written = io.StringIO()
    print_letters(Console(file=written), [])
    assert written.getvalue() == "no dead letters\n"


def test_all_that_is_known_of_one_letter_is_a_document_too_and_steers_no_terminal() -> None:
    one, earlier = letter(12, "evil \x1b[2J"), letter(3, "evil")
    kept = KeptRecord(b"cam1", b"abc", [("seq", b"7"), ("odd", b"\xff\x1b"), ("none", b"")])
    dead = DeadLetter("frames.entrance-north", 0, 12, "consumer.decode", "evil")
    document = letter_document(one, kept, [earlier])
    assert document["headers"][:2] == [
        {"name": "seq", "value": "7"},
        {"name": "odd", "value": "\\xff\x1b"},
    ]
    assert (document["offset"], document["earlier"]) == (12, [earlier])
    written = io.StringIO()
    print_letter(Console(file=written), one, dead, kept, [earlier])
    assert "\x1b" not in written.getvalue()
    assert "3 bytes" in written.getvalue()
    assert "before    3: frames.entrance-north-0@3000" in written.getvalue()
