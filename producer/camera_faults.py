"""Says in a person's words why a camera cannot be read; never with its password."""

import errno
import socket
from typing import Literal
from urllib.parse import urlsplit

from av.error import (
    ConnectionRefusedError,
    ConnectionResetError,
    ExitError,
    FFmpegError,
    HTTPError,
    HTTPForbiddenError,
    HTTPNotFoundError,
    HTTPUnauthorizedError,
    TimeoutError,
)

from runtime.errors import TransientError

FaultKind = Literal[
    "unauthorized",
    "forbidden",
    "not-found",
    "refused",
    "reset",
    "unknown-host",
    "unreachable",
    "unanswered",
    "not-rtsp",
    "tls",
    "untrusted",
    "server-error",
    "no-transport",
    "no-udp",
    "no-video",
    "audio-only",
    "unsupported-codec",
    "stalled",
    "broken",
]
"""`unanswered` is what FFmpeg alone cannot tell apart: silence, another protocol, no TLS."""

_REASONS: tuple[tuple[type[FFmpegError], FaultKind, str], ...] = (
    (
        HTTPUnauthorizedError,
        "unauthorized",
        "401 Unauthorized: the camera refused the user or password",
    ),
    (HTTPForbiddenError, "forbidden", "403 Forbidden: this user may not see the stream"),
    (
        HTTPNotFoundError,
        "not-found",
        "404 Not Found: no such path, or nothing is published there yet",
    ),
    (ConnectionRefusedError, "refused", "connection refused: nothing listens on that port"),
    (ConnectionResetError, "reset", "connection reset by the camera"),
)
_NEED_A_PERSON = ("unauthorized", "forbidden")


class CameraFault(TransientError):
    """A camera cannot be read now.

    `needs_a_person` is set where waiting alone does not help, such as for a wrong password: it is
    tried again, but seldom, since cameras lock accounts after many wrong tries.
    """

    def __init__(
        self, reason: str, needs_a_person: bool = False, kind: FaultKind = "broken"
    ) -> None:
        super().__init__(reason)
        self.needs_a_person = needs_a_person
        self.kind = kind


def fault_of(error: FFmpegError, url: str, is_open: bool) -> CameraFault:
    """Translate FFmpeg's error; `is_open` tells a stall from a connection that never came about."""
    for error_class, kind, reason in _REASONS:
        if isinstance(error, error_class):
            return CameraFault(reason, kind in _NEED_A_PERSON, kind)
    if is_open:
        return _broken(error)
    return _unreachable(error, url)


def stream_ended() -> CameraFault:
    """Return the fault of a stream that ended without an error, as that of a killed server does."""
    return CameraFault("the camera ended the stream")


def _broken(error: FFmpegError) -> CameraFault:
    if isinstance(error, ExitError | TimeoutError):
        reason = "stalled: connected, but nothing came within stall_timeout_s"
        return CameraFault(reason, kind="stalled")
    return CameraFault(f"connection broken: {error.strerror}")


def _unreachable(error: FFmpegError, url: str) -> CameraFault:
    # FFmpeg says "Input/output error" for an unknown host and "Invalid data" for silence.
    host = urlsplit(url).hostname or ""
    try:
        socket.getaddrinfo(host, None)
    except OSError as unknown:
        return CameraFault(f"unknown host {host}: {unknown.strerror}", kind="unknown-host")
    if isinstance(error, ExitError | TimeoutError):
        return CameraFault("no answer within connect_timeout_s", kind="unanswered")
    reason = f"no usable answer, or none within connect_timeout_s: {error.strerror}"
    return CameraFault(reason, kind=_kind_of_answer(error))


def _kind_of_answer(error: FFmpegError) -> FaultKind:
    if isinstance(error, HTTPError):
        return "server-error"
    # What FFmpeg makes of RTSP's 461 Unsupported Transport.
    return "no-transport" if error.errno == errno.EPROTONOSUPPORT else "unanswered"
