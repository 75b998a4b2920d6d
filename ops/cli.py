"""The `framerail` command.

What a command needs is imported when it runs: help and completion answer in a moment.
"""

import sys
from typing import Annotated

import typer

from ops.cost_command import cost
from ops.deadletter.command import app as deadletter
from ops.doctor.command import doctor
from ops.failures import explained_failures
from ops.help import LegibleCommand, LegibleGroup
from ops.ledger.command import ledger
from ops.plan.command import plan
from ops.preflight.command import preflight
from ops.replay.command import diff, replay
from ops.stack_command import demo, down, prepare, status, up
from ops.terminal import answers, unless_unread
from ops.watch.command import watch
from runtime.cli import run_command

EXIT_CODES = """[bold]Exit codes[/bold]
    0  done, or stopped as asked
    1  a check failed: the books, a camera, a comparison; or a defect
    2  wrong input or configuration: the message names it
    3  something outside is away or refuses: Kafka, S3, Triton, a camera
  130  interrupted by Ctrl-C or SIGTERM, everything ended
  141  whoever read the answer went away before its end, as `head` does"""

app = typer.Typer(
    cls=LegibleGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
    epilog=EXIT_CODES,
)

PANELS = {
    "Run": (prepare, demo, up, down),
    "Look": (status, watch, doctor),
    "Trust": (preflight, ledger, replay, diff),
    "Plan": (plan, cost),
}
for panel, commands in PANELS.items():
    for command in commands:
        app.command(cls=LegibleCommand, rich_help_panel=panel)(command)
app.add_typer(deadletter, name="deadletter", rich_help_panel="Trust")


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        answers.print(f"framerail {version('framerail')}", highlight=False)
        raise typer.Exit


@app.callback()
def framerail(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Tell the version and end.", callback=_tell_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Camera streams into evidence: RTSP to Kafka, Triton and S3, whole on this machine.

    Every command has examples in its --help, and --json for programs: one document on standard
    output, all else on standard error. Those under Look and Trust are about the pipeline that the
    FRAMERAIL_* variables name, else the one that runs here.

    Examples:
        framerail demo
        framerail up --streams streams.yaml
        framerail watch
        framerail ledger --since 10m
    """


def _run() -> None:
    with explained_failures():
        app()


def main() -> None:
    """Run the command line and exit with one of EXIT_CODES."""
    sys.exit(unless_unread(lambda: run_command("framerail", _run)))


if __name__ == "__main__":
    main()
