"""Help, choices and errors of the command line as a whole."""

import io
import shlex
import subprocess
import sys
from collections.abc import Iterator

import pytest
from rich.console import Console
from typer.main import get_command
from typer.testing import CliRunner

from ops.cli import app
from ops.completion import known_streams, port_choices
from ops.help import EXAMPLES, legible
from ops.options import StackOptions, checked_options, of_servers, of_services, port_names
from ops.suggestion import nearest
from ops.terminal import tell
from runtime.errors import ConfigurationError

HEAVY = ("cv2", "av", "boto3", "kafka", "pydantic", "numpy", "tritonclient", "httpx", "structlog")
NARROW_CHARS = 78
"""Of 80 columns, a space on each side is left."""


def commands() -> Iterator[tuple[str, object]]:
    def below(path: str, group: object) -> Iterator[tuple[str, object]]:
        for name, command in getattr(group, "commands", {}).items():
            yield f"{path} {name}", command
            yield from below(f"{path} {name}", command)

    yield from below("framerail", get_command(app))


LEAVES = [(path, one) for path, one in commands() if not getattr(one, "commands", None)]


def help_of(path: str) -> list[str]:
    arguments = [*shlex.split(path)[1:], "--help"]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "80", "TERM": "dumb"})
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def examples_of(path: str) -> list[str]:
    lines = [line.strip() for line in help_of(path)]
    begin = lines.index("Examples") + 1
    return lines[begin : lines.index("", begin)]


@pytest.mark.parametrize("path", [path for path, _ in LEAVES])
def test_every_command_has_two_examples_that_fit_a_line_and_are_true(path: str) -> None:
    examples = examples_of(path)
    assert len(examples) >= 2
    for example in examples:
        assert len(example) <= NARROW_CHARS
        words = [word for word in shlex.split(example.partition("|")[0]) if "=" not in word[:20]]
        assert " ".join(words).startswith(path), example
        called = shlex.split(example.partition("|")[0])
        given = called[called.index("framerail") + len(path.split()) :]
        command = dict(LEAVES)[path]
        command.make_context(path, given)  # type: ignore[attr-defined]  # refuses a wrong option


@pytest.mark.parametrize("path", [path for path, _ in LEAVES])
def test_every_command_can_answer_with_a_document(path: str) -> None:
    assert any("--json" in line for line in help_of(path))


@pytest.mark.parametrize("path", ["framerail", *(path for path, _ in commands())])
def test_help_is_no_wider_than_the_terminal_and_shows_no_types_of_flags(path: str) -> None:
    lines = help_of(path)
    assert max(map(len, lines)) <= 80
    assert not any("<bool>" in line for line in lines)


def test_commands_are_grouped_by_what_one_wants() -> None:
    said = "\n".join(help_of("framerail"))
    panels = [said.index(f"─ {name} ─") for name in ("Run", "Look", "Trust", "Plan")]
    assert panels == sorted(panels)
    assert "Exit codes" in said


def test_help_can_be_asked_for_as_people_do() -> None:
    run = CliRunner().invoke
    whole = run(app, ["--help"]).stdout
    assert run(app, ["help"]).stdout == run(app, ["-h"]).stdout == whole
    asked = run(app, ["help", "deadletter", "list"]).stdout
    assert asked == run(app, ["deadletter", "list", "--help"]).stdout


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout.split()[0]) == (0, "framerail")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["stauts"], "Did you mean 'status'"),
        (["deadletter", "lst"], "Did you mean 'list'"),
        (["demo", "--camras", "2"], "--cameras"),
    ],
)
def test_a_slip_of_the_keyboard_is_answered_with_what_was_meant(
    wrong: list[str], said: str
) -> None:
    result = CliRunner().invoke(app, wrong)
    assert result.exit_code == 2
    assert said in result.output


def test_help_and_completion_import_nothing_heavy() -> None:
    asked = f"import sys, ops.cli; print(*(sys.modules.keys() & set({HEAVY!r})))"
    run = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_paragraphs_flow_and_examples_stand_as_they_are() -> None:
    text = legible(f"One\nline.\n\nTwo [not markup]\nlines.\n\n{EXAMPLES}\n    a --b\n    c  # why")
    first, second, examples = text.split("\n\n")
    assert first == "One line."
    assert "Two \\[not markup] lines." in second
    title, one, other = examples.splitlines()
    assert "Examples" in title
    assert "  a --b" in one
    assert other.endswith("# why[/dim][/]")


def test_a_wrong_name_is_answered_with_those_most_like_it_or_some_that_there_are() -> None:
    assert nearest("kafak", ["kafka", "s3"]) == "; did you mean kafka?"
    assert nearest("telnet", ["s3", "kafka"]) == "; there are kafka, s3"
    assert nearest("x", []) == "; there are none"
    assert nearest("x", [f"cam{n:02}" for n in range(20)]).endswith("cam07 and 12 more")


def test_ports_are_those_of_the_servers_and_of_the_services() -> None:
    assert {"kafka", "s3", "rtsp", "viewer", "producer_metrics"} <= set(port_names())
    assert port_choices()[0] == "kafka="
    ports = {"kafka": 9092, "viewer": 8090}
    assert (of_servers(ports), of_services(ports)) == ({"kafka": 9092}, {"viewer": 8090})


@pytest.mark.parametrize(
    ("ports", "said"),
    [
        ({"vewer": 8090}, "no such ports: vewer; did you mean viewer"),
        ({"viewer": 8090, "kafka": 8090}, "kafka and viewer both have port 8090"),
    ],
)
def test_ports_that_cannot_be_fixed_are_refused(ports: dict[str, int], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        checked_options(StackOptions(ports=ports))


def test_without_a_pipeline_no_stream_is_offered_and_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("FRAMERAIL_HOME", str(tmp_path))
    assert known_streams() == []


def test_prose_is_wrapped_between_words_for_a_person_and_whole_in_a_pipe() -> None:
    path = "/a/very-long/path/that-nobody-could-copy/if-it-were/broken"
    text = f"  one two three four five six seven {path} [end]\nnext"
    terminal, pipe = io.StringIO(), io.StringIO()
    tell(Console(file=terminal, width=30, force_terminal=True), text, indent="    ")
    tell(Console(file=pipe, width=30), text, indent="    ")
    lines = terminal.getvalue().splitlines()
    assert lines[:2] == ["  one two three four five six", "    seven"]
    assert lines[2:] == [f"    {path}", "    [end]", "next"]
    assert pipe.getvalue() == text + "\n"
