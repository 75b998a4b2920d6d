"""What to do next where a camera could not be read."""

from producer.camera_faults import CameraFault, FaultKind
from producer.diagnosis.report import Finding

_USER_IN_URL = "'rtsp://${CAMERA_USER}:${CAMERA_PASSWORD}@host/path'"

_NEXT_STEPS: dict[FaultKind, str] = {
    "unauthorized": "check user and password, and whether the camera has users of its own for "
    "RTSP; do not try often: cameras lock accounts. A password with special characters goes into "
    f"a variable: {_USER_IN_URL}, in single quotes",
    "forbidden": "give this user the right to view the stream, in the camera or in the server",
    "not-found": "look up the camera's RTSP path in its manual or web page "
    "(Hikvision: /Streaming/Channels/101); on a relay, see whether the camera publishes to it",
    "refused": "check the port (rtsp 554, rtsps 322 unless the camera says otherwise) and whether "
    "RTSP is switched on in the camera",
    "reset": "restart the camera, and look for a firewall between it and here",
    "unknown-host": "check the spelling of the host and this machine's DNS, or use the camera's "
    "IP address",
    "unreachable": "check address, cable, VLAN and routes: ping the camera from this machine",
    "unanswered": "try again with FRAMERAIL_CONNECT_TIMEOUT_S=20, then restart the camera",
    "not-rtsp": "another service has this port: find the RTSP port in the camera's settings, "
    "554 on most",
    "tls": "use rtsps:// where the camera encrypts (port 322 on most) and rtsp:// where it does "
    "not (554)",
    "untrusted": "see whether FRAMERAIL_CAMERA_CA_FILE holds the authority that signed the "
    "camera's certificate, whether that is still valid, and use the host that it names",
    "server-error": "see whether others watch already (cameras serve few at once), check the "
    "path, then restart the camera",
    "no-transport": "switch on RTSP over TCP ('interleaved') in the camera: the producer reads so",
    "no-udp": "leave --transport out: the producer reads by TCP; else look at the camera's "
    "settings and at firewalls between",
    "no-video": "look up the path of the camera's video in its manual or web page",
    "audio-only": "switch on the video of this stream in the camera, or take its path of the video",
    "unsupported-codec": "set the camera to H.264 or H.265",
    "stalled": "watch the stream in the camera's own web page; look for packet loss; restart the "
    "camera if it comes again",
    "broken": "try again; if it comes again, look at the network and at the log of the camera",
}
_ASKS_FOR_A_USER = (
    f"the camera asks for a user and password: {_USER_IN_URL}, in single quotes, with both "
    "variables in the environment"
)


def finding_of(fault: CameraFault, has_user: bool) -> Finding:
    """Return the fault with what to do about it; `has_user`: the URL names a user."""
    is_user_missing = fault.kind == "unauthorized" and not has_user
    next_step = _ASKS_FOR_A_USER if is_user_missing else _NEXT_STEPS[fault.kind]
    return Finding(fault.kind, str(fault), next_step)
