"""The command on a terminal, in a pipe, and under the Tab key: no server is needed for that."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.framerail_command import COMMAND, Framerail, Terminal

COLOUR = re.compile(r"\x1b\[[0-9;]*(3[0-7]|9[0-7]|38;[0-9;]*)m")


@pytest.fixture
def framerail(tmp_path: Path) -> Framerail:
    return Framerail(tmp_path)


@pytest.mark.parametrize("arguments", [["--help"], ["plan", "--cameras", "4"], ["cost", "--json"]])
def test_an_answer_that_nobody_reads_to_its_end_is_no_error(
    framerail: Framerail, arguments: list[str]
) -> None:
    with framerail.start(*arguments) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.close()
        assert (run.stderr.read(), run.wait(timeout=60)) == ("", 141)


def test_messages_that_nobody_reads_do_not_change_how_a_command_ends(framerail: Framerail) -> None:
    with framerail.start("down") as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stderr.close()
        assert (run.stdout.read(), run.wait(timeout=60)) == ("", 141)


def test_colours_are_for_terminals_that_want_them(framerail: Framerail) -> None:
    def shown(variable: str, value: str) -> str:
        with Terminal(framerail, "help", "ledger", env={variable: value}) as terminal:
            assert terminal.exit_code(60) == 0
            return terminal.shown

    assert COLOUR.search(shown("TERM", "xterm-256color"))
    assert not COLOUR.search(shown("NO_COLOR", "1"))
    assert "\x1b" not in shown("TERM", "dumb")
    assert "\x1b" not in framerail.run("help", "ledger").stdout


def test_an_error_on_a_terminal_is_a_line_that_says_what_to_do(framerail: Framerail) -> None:
    with Terminal(framerail, "watch") as terminal:
        assert terminal.exit_code(60) == 3
        assert "no viewer runs here: `framerail up` starts one" in terminal.shown
        assert "Traceback" not in terminal.shown
        assert "\x1b[?1049h" not in terminal.shown  # the screen was not taken


def completed(shell: str, words: str) -> str:
    environment = os.environ | {
        "_FRAMERAIL_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": words,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    run = subprocess.run([COMMAND], env=environment, capture_output=True, text=True, check=False)
    assert run.stderr == ""
    return run.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_tab_key_completes_commands_options_and_ports(shell: str) -> None:
    assert "watch" in completed(shell, "framerail wa")
    assert "--publish" in completed(shell, "framerail ledger --pub")
    assert "kafka" in completed(shell, "framerail up --port kaf")
    assert "list" in completed(shell, "framerail deadletter li")


def test_completion_is_installed_for_bash_and_works_there(tmp_path: Path) -> None:
    environment = os.environ | {"HOME": str(tmp_path)}
    # The shell that runs it is the one it is installed for; the second command keeps that shell.
    install = f"{COMMAND} --install-completion; exit $?"
    ran = subprocess.run(
        ["bash", "--norc", "-c", install],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "bash completion installed" in ran.stdout
    folder = str(Path(COMMAND).parent)
    ask = (
        f"PATH={folder}:$PATH; source ~/.bashrc; COMP_WORDS=(framerail led); COMP_CWORD=1;"
        ' _framerail_completion framerail; echo "${COMPREPLY[@]}"'
    )
    asked = subprocess.run(
        ["bash", "--norc", "-c", ask], env=environment, capture_output=True, text=True, check=True
    )
    assert asked.stdout.split() == ["ledger"]
