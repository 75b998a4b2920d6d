"""`framerail deadletter`: what was refused, from where and why, and what is done about it."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from contracts.deadletters import Stage
from ops.deadletter.deeds import Outcome
from ops.deadletter.deeds import drop as drop_letters
from ops.deadletter.deeds import replay as replay_letters
from ops.deadletter.letters import ListedLetter, State, Wanted, chosen, groups, history
from ops.deadletter.restoring import KeptRecord
from ops.deadletter.tables import print_letter, print_letters, printable
from ops.deadletter.topic import DeadLetterTopic
from ops.target import chosen_target
from runtime.errors import ConfigurationError, FramerailError, InvalidInput

app = typer.Typer(
    no_args_is_help=True,
    help="Records that no service could use: what, from where, why, and what is done about them.",
)
answers = Console()

Offset = Annotated[int, typer.Argument(min=0, help="Its offset in the topic `deadletter`.")]
Offsets = Annotated[
    list[int] | None, typer.Argument(min=0, help="Offsets in the topic `deadletter`.")
]
All = Annotated[bool, typer.Option("--all", help="All that are open and match the filters.")]
OfStream = Annotated[str | None, typer.Option("--stream", help="Only those of this stream.")]
OfStage = Annotated[Stage | None, typer.Option("--stage", help="Only those that it refused.")]
InState = Annotated[State | None, typer.Option("--state", help="Only those of this state.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, on the last line.")]


class SomeStayOpen(FramerailError):
    """Some of the records could not be put back."""


@app.command("list")
def list_letters(
    stream: OfStream = None,
    stage: OfStage = None,
    state: InState = None,
    as_json: AsJson = False,
) -> None:
    """List dead letters, and count them by stage and reason.

    Examples:

    framerail deadletter list --state open

    framerail deadletter list --stream cam1 --stage consumer.decode --json
    """
    wanted = Wanted(stream, stage, state)
    with _opened() as topic:
        letters = [one for one in topic.letters().values() if wanted.admits(one)]
    if as_json:
        document = msgspec.json.encode({"letters": letters, "groups": groups(letters)})
        sys.stdout.write(document.decode() + "\n")
    else:
        print_letters(answers, letters)


@app.command()
def show(
    offset: Offset,
    save: Annotated[
        Path | None, typer.Option(help="Write the value, as it is, into this new file.")
    ] = None,
) -> None:
    """Show the headers of one dead letter and the size of its value, and save it.

    A value that was too large to be kept is read where it was refused, if Kafka still holds it.
    Example:

    framerail deadletter show 12 --save frame.jpg
    """
    with _opened() as topic:
        letters = topic.letters()
        if offset not in letters:
            raise ConfigurationError(f"{offset}: no dead letter lies there; it may have expired")
        letter, kept = topic.letter(offset)
        print_letter(
            answers, letters[offset], letter, kept, history(letters.values(), letters[offset])
        )
        if save is not None:
            is_left_out = letter.left_out_bytes is not None
            _save(topic.original(letter.coordinates) if is_left_out else kept, save)


@app.command()
def replay(
    offsets: Offsets = None,
    every: All = False,
    stream: OfStream = None,
    stage: OfStage = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also those about which something was done before.")
    ] = False,
) -> None:
    """Put records back where they were refused, and mark their dead letters as replayed.

    A frame goes to the topic of its stream again, a result to `results`, where its batch keeps its
    id: the services read them as any other record. What is refused once more becomes a new dead
    letter, whose attempts go on counting. Examples:

    framerail deadletter replay 12 13

    framerail deadletter replay --all --stage postproc.draw

    framerail deadletter replay 12 --again
    """
    with _opened() as topic:
        meant = _meant(topic.letters(), offsets, every, Wanted(stream, stage), again)
        outcome = replay_letters(topic, meant, _say)
    _conclude(outcome, "put back")


@app.command()
def drop(
    offsets: Offsets = None,
    every: All = False,
    stream: OfStream = None,
    stage: OfStage = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Mark dead letters as dropped: nothing will be done about them. They stay until they expire.

    Examples:

    framerail deadletter drop 12

    framerail deadletter drop --all --stream cam1 --yes
    """
    with _opened() as topic:
        meant = _meant(topic.letters(), offsets, every, Wanted(stream, stage), again=False)
        if meant and not yes:
            _ask(len(meant))
        outcome = drop_letters(topic, meant, _say)
    _conclude(outcome, "dropped")


def _ask(count: int) -> None:
    try:
        is_meant = typer.confirm(f"mark {count} dead letters as dropped?")
    except typer.Abort:
        raise ConfigurationError(f"{count} stay open: nobody answered; --yes asks nobody") from None
    if not is_meant:
        answers.print("0 dropped")
        raise typer.Exit


def _meant(
    letters: dict[int, ListedLetter],
    offsets: list[int] | None,
    every: bool,
    wanted: Wanted,
    again: bool,
) -> list[ListedLetter]:
    if bool(offsets) == every:
        raise ConfigurationError("name the offsets of dead letters, or say --all: one of the two")
    if offsets and wanted != Wanted():
        raise ConfigurationError("--stream and --stage go with --all")
    return chosen(letters, offsets or (), wanted, again)


def _save(record: KeptRecord | None, path: Path) -> None:
    if record is None:
        raise InvalidInput("the value was too large to be kept, and has expired where it was")
    try:
        with path.open("xb") as file:
            file.write(record.value or b"")
    except OSError as error:
        raise ConfigurationError(f"--save {path}: {error.strerror}") from error


def _conclude(outcome: Outcome, deed: str) -> None:
    if outcome.failed:
        raise SomeStayOpen(f"{outcome.done} {deed}, {len(outcome.failed)} stay open")
    answers.print(f"{outcome.done} {deed}")


def _say(offset: int, line: str) -> None:
    answers.print(f"{offset}: {printable(line)}", markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _opened() -> Iterator[DeadLetterTopic]:
    with closing(DeadLetterTopic(chosen_target().settings)) as topic:
        yield topic
