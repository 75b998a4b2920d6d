"""What can go wrong in the embedded stack; each message says what is missing and what to do."""


class LocalError(Exception):
    """Something in the embedded stack failed; every error of this package is one of these."""


class PrepareError(LocalError):
    """A server could not be downloaded or built."""


class PortTaken(LocalError):
    """A port that a part has to listen on already belongs to another process."""


class PartFailed(LocalError):
    """A part died, or was not ready in time; the message ends with the last lines of its log.

    `exit_code` is what it ended with, None where it did not end by itself.
    """

    def __init__(self, message: str, exit_code: int | None = None) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class AlreadyRunning(LocalError):
    """Another supervisor holds this workspace."""


class StartInterrupted(LocalError):
    """The stop signal came while parts were still starting; all of them were ended."""
