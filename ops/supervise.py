"""`python -m ops.supervise`: runs the pipeline of `framerail up` until it is told to stop.

Its options come on standard input: they may hold a password, which no process list should show.
"""

import sys
import time

import msgspec

from local.supervisor import Supervisor
from ops.failures import explained_failures
from ops.options import STARTUP, StackOptions, lasting_workspace
from ops.pipeline import Pipeline
from runtime.cli import run_command


def supervise(options: StackOptions) -> None:
    """Start the pipeline and keep it alive; raise as `explained_failures` maps what goes wrong."""
    begun_s = time.monotonic()
    workspace = lasting_workspace()
    (workspace.stack / STARTUP).unlink(missing_ok=True)  # that of a pipeline before this one
    with (
        explained_failures(),
        Supervisor(workspace, say, catches_signals=True) as supervisor,
    ):
        pipeline = Pipeline.choose(workspace, options)
        supervisor.start(supervisor.prepare(pipeline.prepare), pipeline.addresses)
        startup_s = time.monotonic() - begun_s
        # `framerail up` and `status` may read it at any moment: whole, or not at all.
        written = workspace.stack / f"{STARTUP}.new"
        written.write_text(f"{startup_s:.2f}\n")
        written.replace(workspace.stack / STARTUP)
        supervisor.watch()


def say(step: str, detail: str) -> None:
    """Write one event for `framerail up` to show, and for the log."""
    sys.stdout.write(f"{step}\t{detail}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    given = msgspec.json.decode(sys.stdin.buffer.read(), type=StackOptions)
    sys.exit(run_command("framerail", lambda: supervise(given)))
