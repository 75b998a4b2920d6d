"""The small tree of errors that services speak; the edges map foreign exceptions to it."""


class FramerailError(Exception):
    """Anything that framerail itself reports; `exit_code` is what a process ends with."""

    exit_code = 1


class ConfigurationError(FramerailError):
    """A setting, a file or an address given by the user is wrong; nothing was started."""

    exit_code = 2


class DependencyError(FramerailError):
    """A system outside is absent or refuses us, and waiting did not help."""

    exit_code = 3


class TransientError(FramerailError):
    """The same call may succeed later; the caller waits and tries again."""

    exit_code = 3


class InvalidInput(FramerailError):
    """This one record can never be read; it goes to the dead letters and the next one goes on."""
