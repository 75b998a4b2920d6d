"""Says in a person's words why a camera cannot be read; never with its password."""

import socket
from urllib.parse import urlsplit

from av.error import (
    ConnectionRefusedError,
    ConnectionResetError,
    ExitError,
    FFmpegError,
    HTTPForbiddenError,
    HTTPNotFoundError,
    HTTPUnauthorizedError,
    TimeoutError,
)

from runtime.errors import TransientError

_REASONS: tuple[tuple[type[FFmpegError], str], ...] = (
    (HTTPUnauthorizedError, "401 Unauthorized: the camera refused the user or password"),
    (HTTPForbiddenError, "403 Forbidden: this user may not see the stream"),
    (HTTPNotFoundError, "404 Not Found: no such path, or nothing is published there yet"),
    (ConnectionRefusedError, "connection refused: nothing listens on that port"),
    (ConnectionResetError, "connection reset by the camera"),
)
_NEED_A_PERSON = (HTTPUnauthorizedError, HTTPForbiddenError)


class CameraFault(TransientError):
    """A camera cannot be read now.

    `needs_a_person` is set where waiting alone does not help, such as for a wrong password: it is
    tried again, but seldom, since cameras lock accounts after many wrong tries.
    """

    def __init__(self, reason: str, needs_a_person: bool = False) -> None:
        super().__init__(reason)
        self.needs_a_person = needs_a_person


def fault_of(error: FFmpegError, url: str, is_open: bool) -> CameraFault:
    """Translate FFmpeg's error; `is_open` tells a stall from a connection that never came about."""
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return CameraFault(reason, isinstance(error, _NEED_A_PERSON))
    if is_open:
        return CameraFault(_broken(error))
    return CameraFault(_unreachable(error, url))


def _broken(error: FFmpegError) -> str:
    if isinstance(error, ExitError | TimeoutError):
        return "stalled: connected, but nothing came within stall_timeout_s"
    return f"connection broken: {error.strerror}"


def _unreachable(error: FFmpegError, url: str) -> str:
    # FFmpeg says "Input/output error" for an unknown host and "Invalid data" for silence.
    host = urlsplit(url).hostname or ""
    try:
        socket.getaddrinfo(host, None)
    except OSError as unknown:
        return f"unknown host {host}: {unknown.strerror}"
    if isinstance(error, ExitError | TimeoutError):
        return "no answer within connect_timeout_s"
    return f"no usable answer, or none within connect_timeout_s: {error.strerror}"
