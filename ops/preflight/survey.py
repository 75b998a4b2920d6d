"""Asks every system that a start needs, and gathers what is found."""

from collections.abc import Callable
from pathlib import Path

from ops.preflight.in_kafka import found_in_kafka, read_cameras
from ops.preflight.in_s3 import found_in_s3
from ops.preflight.in_triton import found_at_triton
from ops.preflight.printing import arranged
from ops.preflight.settings import PreflightSettings
from ops.target import Target
from runtime.errors import ConfigurationError, DependencyError, TransientError
from runtime.preflight.findings import Finding, Verdict, refused
from runtime.s3 import place_of

PATIENCE_S = 10.0
"""A person waits: what does not answer for so long is told to be away."""


def survey(
    target: Target, streams_file: Path | None, size_wh: tuple[int, int] | None
) -> list[Finding]:
    """Return all findings; a system that is away or refuses us is one, and the others go on.

    Raises ConfigurationError if a setting of the services is wrong.
    """
    settings = target.settings_as(PreflightSettings)
    if not target.given and streams_file is None and settings.streams_file.is_file():
        streams_file = settings.streams_file  # as the producer would
    start_timeout_s = min(settings.kafka_start_timeout_s, PATIENCE_S)
    settings = settings.model_copy(update={"kafka_start_timeout_s": start_timeout_s})
    cameras, of_file = read_cameras(streams_file)
    bucket, place = settings.s3_bucket, place_of(settings)
    is_made = settings.s3_create_bucket
    return arranged(
        [
            *of_file,
            *_answered(
                "Kafka",
                settings.kafka_bootstrap_servers,
                lambda: found_in_kafka(settings, cameras, size_wh),
            ),
            *_answered(
                "S3",
                bucket,
                lambda: found_in_s3(target.s3(), bucket, place, is_bucket_made=is_made),
            ),
            *_answered("model", settings.model_name, lambda: found_at_triton(settings)),
        ]
    )


def _answered(name: str, subject: str, look: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return look()
    except (DependencyError, TransientError) as error:
        return [Finding(name, subject, Verdict.AWAY, str(error))]
    except ConfigurationError as error:
        return [Finding(name, subject, Verdict.REFUSED, str(error))]


def conclude(findings: list[Finding]) -> None:
    """Raise ConfigurationError if a finding is refused, DependencyError if a system is away."""
    wrong = refused(findings)
    if wrong:
        raise ConfigurationError(f"{len(wrong)} check(s) refuse a start")
    away = [one.subject for one in findings if one.verdict is Verdict.AWAY]
    if away:
        raise DependencyError(f"away: {', '.join(away)}")
