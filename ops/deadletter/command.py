"""`framerail deadletter`: what was refused, from where and why, and what is done about it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from contracts.deadletters import Stage
from ops.completion import known_streams
from ops.deadletter.deeds import Letters, Outcome, Say
from ops.deadletter.deeds import drop as drop_letters
from ops.deadletter.deeds import replay as replay_letters
from ops.deadletter.letters import ListedLetter, State, Wanted, chosen, groups, history
from ops.deadletter.restoring import KeptRecord
from ops.help import LegibleCommand, LegibleGroup
from ops.terminal import AsJson, answers, messages, print_document, printable
from runtime.errors import ConfigurationError, FramerailError, InvalidInput

if TYPE_CHECKING:
    from ops.deadletter.topic import DeadLetterTopic

app = typer.Typer(
    cls=LegibleGroup,
    no_args_is_help=True,
    help="Tell what no service could use and why, and put it back.",
)

Offset = Annotated[
    int,
    typer.Argument(min=0, metavar="OFFSET", help="Its offset in the topic `deadletter`."),
]
Offsets = Annotated[
    list[int] | None,
    typer.Argument(min=0, metavar="OFFSET", help="Offsets in the topic `deadletter`."),
]
All = Annotated[bool, typer.Option("--all", help="All that are open and match the filters.")]
OfStream = Annotated[
    str | None,
    typer.Option(
        "--stream", metavar="ID", help="Only those of this stream.", autocompletion=known_streams
    ),
]
OfStage = Annotated[
    Stage | None,
    typer.Option(
        "--stage",
        metavar="STAGE",
        help=f"Only those that it refused: {', '.join(get_args(Stage))}.",
    ),
]
InState = Annotated[
    State | None,
    typer.Option(
        "--state", metavar="STATE", help=f"Only those that are {' or '.join(get_args(State))}."
    ),
]


class SomeStayOpen(FramerailError):
    """Some of the records could not be put back."""


@app.command("list", cls=LegibleCommand)
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
    from ops.deadletter.tables import print_letters

    wanted = Wanted(stream, stage, state)
    with _opened() as topic:
        letters = [one for one in _listed(topic).values() if wanted.admits(one)]
    if as_json:
        print_document({"letters": letters, "groups": groups(letters)})
    else:
        print_letters(answers, letters)


@app.command(cls=LegibleCommand)
def show(
    offset: Offset,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the value, as it is, into this new file."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the headers of one dead letter and the size of its value, and save it.

    A value that was too large to be kept is read where it was refused, if Kafka still holds it.

    Examples:
        framerail deadletter show 12
        framerail deadletter show 12 --save frame.jpg
    """
    from ops.deadletter.tables import letter_document, print_letter

    with _opened() as topic:
        letters = _listed(topic)
        if offset not in letters:
            raise ConfigurationError(
                f"{offset}: no dead letter lies there; `framerail deadletter list` names those "
                "that do, it may have expired"
            )
        letter, kept = topic.letter(offset)
        one, earlier = letters[offset], history(letters.values(), letters[offset])
        if as_json:
            print_document(letter_document(one, kept, earlier))
        else:
            print_letter(answers, one, letter, kept, earlier)
        if save is not None:
            is_left_out = letter.left_out_bytes is not None
            _save(topic.original(letter.coordinates) if is_left_out else kept, save)


@app.command(cls=LegibleCommand)
def replay(
    offsets: Offsets = None,
    every: All = False,
    stream: OfStream = None,
    stage: OfStage = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also those about which something was done before.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put records back where they were refused, and mark their dead letters as replayed.

    A frame goes to the topic of its stream again, a result to `results`, where its batch keeps its
    id: the services read them as any other record. What is refused once more becomes a new dead
    letter, whose attempts go on counting.

    Examples:
        framerail deadletter replay 12 13
        framerail deadletter replay --all --stage postproc.draw
        framerail deadletter replay 12 --again
    """
    with _opened() as topic:
        meant = _meant(_listed(topic), offsets, every, Wanted(stream, stage), again)
        outcome = _done(replay_letters, topic, meant, as_json)
    _conclude(outcome, "put back", as_json)


@app.command(cls=LegibleCommand)
def drop(
    offsets: Offsets = None,
    every: All = False,
    stream: OfStream = None,
    stage: OfStage = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Mark dead letters as dropped: nothing will be done about them. They stay until they expire.

    Examples:
        framerail deadletter drop 12
        framerail deadletter drop --all --stream cam1 --yes
    """
    with _opened() as topic:
        meant = _meant(_listed(topic), offsets, every, Wanted(stream, stage), again=False)
        is_meant = yes or not meant or _is_meant(len(meant))
        outcome = _done(drop_letters, topic, meant if is_meant else [], as_json)
    _conclude(outcome, "dropped", as_json)


def _is_meant(count: int) -> bool:
    try:
        return typer.confirm(f"mark {count} dead letters as dropped?", err=True)
    except typer.Abort:
        raise ConfigurationError(f"{count} stay open: nobody answered; --yes asks nobody") from None


def _listed(topic: "DeadLetterTopic") -> dict[int, ListedLetter]:
    from ops.progress import shown_progress

    with shown_progress(messages) as progress:
        return topic.letters(progress.count)


def _done(
    deed: Callable[[Letters, Sequence[ListedLetter], Say], Outcome],
    topic: Letters,
    meant: Sequence[ListedLetter],
    is_quiet: bool,
) -> Outcome:
    """Do it to all, showing how far it is; what is said of each follows, even of a broken-off."""
    from ops.progress import shown_progress

    said: list[tuple[int, str]] = []

    def hear(offset: int, line: str) -> None:
        said.append((offset, line))
        progress.count("dead letters", len(said), len(meant), "records")

    try:
        with shown_progress(messages) as progress:
            return deed(topic, meant, hear)
    finally:
        for offset, line in [] if is_quiet else said:
            _say(offset, line)


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


def _conclude(outcome: Outcome, deed: str, as_json: bool) -> None:
    if as_json:
        print_document({"done": outcome.done, "failed": outcome.failed})
    if outcome.failed:
        raise SomeStayOpen(f"{outcome.done} {deed}, {len(outcome.failed)} stay open")
    if not as_json:
        answers.print(f"{outcome.done} {deed}")


def _say(offset: int, line: str) -> None:
    answers.print(f"{offset}: {printable(line)}", markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _opened() -> Iterator["DeadLetterTopic"]:
    from ops.deadletter.topic import DeadLetterTopic
    from ops.target import chosen_target

    with closing(DeadLetterTopic(chosen_target().settings)) as topic:
        yield topic
