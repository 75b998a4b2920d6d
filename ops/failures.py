"""Turns what went wrong in the embedded stack into our errors, with their exit codes."""

from collections.abc import Iterator
from contextlib import contextmanager

from local.errors import LocalError, PartFailed, StartInterrupted
from runtime.errors import ConfigurationError, DependencyError, FramerailError


class Interrupted(FramerailError):
    """Ctrl-C or SIGTERM came; the exit code is that of a shell's interrupted command."""

    exit_code = 130


@contextmanager
def explained_failures() -> Iterator[None]:
    """Map the errors of `local` for as long as the context lasts.

    A service that refused its settings at the start makes the command end as it did.
    """
    try:
        yield
    except StartInterrupted as error:
        raise Interrupted("interrupted; every process has ended") from error
    except PartFailed as error:
        if error.exit_code == ConfigurationError.exit_code:
            raise ConfigurationError(str(error)) from error
        raise DependencyError(str(error)) from error
    except LocalError as error:
        raise DependencyError(str(error)) from error
