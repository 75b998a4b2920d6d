"""Asks a port what it speaks, where FFmpeg can only say that the answer was of no use."""

import socket
import ssl
from urllib.parse import SplitResult, urlsplit

from producer.camera_faults import CameraFault

_PORTS = {"rtsp": 554, "rtsps": 322}
"""Those that FFmpeg takes too (RFC 2326, RFC 7826)."""
_TLS_ALERT = b"\x15\x03"
_SHOWN_BYTES = 40


def knock(url: str, timeout_s: float) -> CameraFault | None:
    """Return why no RTSP comes from that port, None if it does; at most 3 * `timeout_s` seconds.

    Sends no user, password or path, so that nothing secret can come back.
    """
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or _PORTS[parts.scheme])
    place = f"port {address[1]} of {address[0]}"
    try:
        with socket.create_connection(address, timeout_s) as connection:
            if parts.scheme == "rtsps":
                return _over_tls(connection, parts, place)
            answer = _answer(connection, parts)
    except OSError as error:
        return _unreachable(error, place)
    if answer == b"" and _speaks_tls(address, timeout_s):
        answer = _TLS_ALERT
    return judged(answer, place)


def judged(answer: bytes | None, place: str) -> CameraFault | None:
    """Judge the first bytes of an answer: None if nothing came, empty if it hung up."""
    if answer is None:
        return CameraFault(f"{place} takes connections and says nothing", kind="unanswered")
    if answer.startswith(b"RTSP/"):
        return None
    if answer.startswith(_TLS_ALERT):
        return CameraFault(f"{place} speaks TLS only", kind="tls")
    if answer == b"":
        return CameraFault(f"{place} hangs up at the first word of RTSP", kind="not-rtsp")
    first_line = answer[:_SHOWN_BYTES].split(b"\r\n")[0].decode("ascii", "replace")
    shown = "".join(c for c in first_line if c.isascii() and c.isprintable())
    return CameraFault(f"{place} speaks no RTSP; it answers {shown!r}", kind="not-rtsp")


def reason_of(error: OSError) -> str:
    """Return why a connection failed; an error that Python itself raises has no `strerror`."""
    if isinstance(error, TimeoutError):
        return "no answer"
    return error.strerror or str(error) or type(error).__name__


def _over_tls(connection: socket.socket, parts: SplitResult, place: str) -> CameraFault | None:
    try:
        with _unverified().wrap_socket(connection) as secured:
            return judged(_answer(secured, parts), place)
    except OSError as error:  # ssl.SSLError is one
        return CameraFault(f"{place} speaks no TLS ({reason_of(error)})", kind="tls")


def _answer(connection: socket.socket, parts: SplitResult) -> bytes | None:
    host = parts.netloc.rpartition("@")[2]
    try:
        connection.sendall(f"OPTIONS {parts.scheme}://{host}/ RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
        return connection.recv(256)
    except TimeoutError:
        return None
    except ConnectionError:
        return b""


def _speaks_tls(address: tuple[str, int], timeout_s: float) -> bool:
    try:
        with (
            socket.create_connection(address, timeout_s) as connection,
            _unverified().wrap_socket(connection),
        ):
            return True
    except OSError:
        return False


def _unverified() -> ssl.SSLContext:
    # As FFmpeg does: cameras sign their certificates themselves.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _unreachable(error: OSError, place: str) -> CameraFault:
    if isinstance(error, ConnectionRefusedError):
        return CameraFault(f"connection refused at {place}", kind="refused")
    return CameraFault(f"{place} cannot be reached: {reason_of(error)}", kind="unreachable")
