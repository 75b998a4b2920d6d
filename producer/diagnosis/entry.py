"""Writes the entry of `streams.yaml` that suits a camera; its credentials become variables."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit, urlunsplit

from msgspec import UNSET

from producer.diagnosis.report import Measurements, StreamEntry, Video
from runtime.logs import redacted

ADVISED_FPS = 10
"""What docs/capacity.md counts a camera with."""
ADVISED_WIDTH_PX = 1920
_RATE_SLACK = 1.2
_ONLY_VARIABLES = re.compile(r"(\$\{[A-Za-z_][A-Za-z0-9_]*\}:?)+")


def advised_entry(given: str, url: str, video: Video, measured: Measurements) -> StreamEntry:
    """Return the entry for a camera; `given` is its URL as the user wrote it, `url` filled in.

    Faster and wider video than framerail is sized for is thinned and scaled down.
    """
    stream_id = suggested_id(url)
    is_fast = measured.fps is not None and measured.fps > _RATE_SLACK * ADVISED_FPS
    is_wide = video.size_wh[0] > ADVISED_WIDTH_PX
    return StreamEntry(
        id=stream_id,
        url=with_variables(given, url, stream_id),
        max_fps=ADVISED_FPS if is_fast else UNSET,
        max_width=ADVISED_WIDTH_PX if is_wide else UNSET,
    )


def suggested_id(url: str) -> str:
    """Return a stream id after the camera's host; the path, which tells more, may hold secrets."""
    host = urlsplit(url).hostname or ""
    try:
        name = f"camera-{ip_address(host)}"
    except ValueError:
        name = host.partition(".")[0]
    return re.sub(r"[^a-z0-9]+", "-", name)[:63].strip("-") or "camera"


def with_variables(given: str, url: str, stream_id: str) -> str:
    """Return the URL with `${...}` in place of its secrets; variables that the user has stay.

    What is a secret is decided where logs are redacted. One outside user and password makes the
    whole URL a variable: only what stands before the `@` is quoted when it is filled in.
    """
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    resource = urlunsplit(("", "", *parts[2:]))
    if _ONLY_VARIABLES.fullmatch(given):
        return given
    if redacted(resource) != resource:
        return _variable(stream_id, "URL")
    given_user = urlsplit(given).netloc.rpartition("@")[0]
    if _ONLY_VARIABLES.fullmatch(given_user):
        user = given_user
    elif user:
        password = ":" + _variable(stream_id, "PASSWORD") if ":" in user else ""
        user = _variable(stream_id, "USER") + password
    return f"{parts.scheme}://{user}{'@' if user else ''}{host}{resource}"


def _variable(stream_id: str, what: str) -> str:
    prefix = stream_id.upper().replace("-", "_")
    return f"${{{'CAMERA_' if prefix[0].isdigit() else ''}{prefix}_{what}}}"
