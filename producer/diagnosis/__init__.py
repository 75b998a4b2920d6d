"""Tells how healthy one camera is, why where it is not, and how it is best read."""

from urllib.parse import urlsplit

from msgspec.structs import replace

from producer.camera_faults import CameraFault
from producer.diagnosis.advice import problem, warnings
from producer.diagnosis.entry import advised_entry
from producer.diagnosis.measurements import measured
from producer.diagnosis.probe import Watch, Watched, watch_camera
from producer.diagnosis.remedies import finding_of
from producer.diagnosis.report import Diagnosis, Finding, Measurements
from runtime.logs import redacted

_REACHED = ("no-video", "audio-only", "unsupported-codec")
"""Kinds of fault at which the camera has answered, only not with video."""


def diagnose(given: str, url: str, watch: Watch) -> Diagnosis:
    """Watch a camera and judge it; whatever is wrong with it is told, not raised.

    `given` is the URL as the user wrote it, perhaps with `${...}`, `url` the same filled in. No
    password of either is in what is returned.
    """
    has_user = bool(urlsplit(url).username)
    try:
        found = watch_camera(url, watch)
    except CameraFault as fault:
        return Diagnosis(
            url=redacted(url),
            transport=watch.transport,
            verdict="unhealthy" if fault.kind in _REACHED else "unreachable",
            problem=finding_of(fault, has_user),
        )
    figures = measured(found.seen, min(watch.frozen_after_s, watch.seconds / 2))
    trouble = _problem(found, figures, has_user)
    warned = warnings(found.video, figures) if figures.frames else ()
    return Diagnosis(
        url=redacted(url),
        transport=watch.transport,
        verdict="unhealthy" if trouble else "warnings" if warned else "healthy",
        problem=trouble,
        warnings=warned,
        video=found.video,
        measured=figures,
        advised_entry=advised_entry(given, url, found.video, figures) if figures.frames else None,
    )


def _problem(found: Watched, figures: Measurements, has_user: bool) -> Finding | None:
    lost = None if found.fault is None else finding_of(found.fault, has_user)
    if figures.frames == 0 and lost is not None:
        return lost
    if lost is None or problem(figures) is not None:
        return problem(figures)
    return replace(lost, said=f"after {figures.watched_s:g} s of video: {lost.said}")
