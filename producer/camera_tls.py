"""RTSPS: whether the camera is the one that its certificate says."""

import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

RTSPS_PORT = 322
"""Source: IANA's registry of service names."""


def tls_options(url: str, ca_file: Path | None) -> dict[str, str]:
    """Return FFmpeg's options for a camera: by itself FFmpeg takes any certificate it is shown.

    With a CA file, an rtsps camera has to show one that this authority has signed for its name.
    """
    if ca_file is None or not is_rtsps(url):
        return {}
    return {"tls_verify": "1", "ca_file": str(ca_file)}


def is_rtsps(url: str) -> bool:
    """Return whether a camera is read over TLS."""
    return url.lower().startswith("rtsps://")


def certificate_trouble(url: str, ca_file: Path | None, timeout_s: float) -> str | None:
    """Return why the certificate of an rtsps camera is not trusted, or None if that is not it.

    FFmpeg says "Input/output error" for that and for much else, so it is looked at once more.
    """
    if not tls_options(url, ca_file):
        return None
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or RTSPS_PORT
    try:
        context = ssl.create_default_context(cafile=str(ca_file))
        with (
            socket.create_connection((host, port), timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            return None
    except ssl.SSLCertVerificationError as error:
        return f"its certificate is not trusted: {error.verify_message}"
    except OSError:
        return None
