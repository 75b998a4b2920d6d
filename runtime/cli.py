"""Runs a command line and turns our errors into a line on standard error and an exit code."""

import sys
from collections.abc import Callable

from runtime.errors import FramerailError


def run_command(name: str, command: Callable[[], object]) -> int:
    """Return 0, or the exit code of the FramerailError that ended `command`, having said why."""
    try:
        command()
    except FramerailError as error:
        from runtime.logs import redacted  # only here: it costs a start 30 ms

        sys.stderr.write(f"{name}: {redacted(str(error))}\n")
        return error.exit_code
    return 0
