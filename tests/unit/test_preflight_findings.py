"""What becomes of findings: logged, refused, counted, printed."""

import pytest

from runtime.errors import ConfigurationError, DependencyError
from runtime.preflight.findings import (
    Finding,
    Verdict,
    asked,
    pass_or_refuse,
    refused,
    require,
    skipped,
    softened,
)
from runtime.preflight.units import duration, size
from tests.unit.producer_fakes import RecordingLog


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (4_145_152, "4.15 MB"), (1.2345e12, "1234 GB")],
)
def test_sizes_read_well(count: float, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "0.25 s"), (60, "60 s"), (600, "10 min"), (86_400, "24 h"), (float("inf"), "for ever")],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def finding(verdict: Verdict, name: str = "retention") -> Finding:
    return Finding(name, "frames.cam1", verdict, "holds 5 s", "raise it")


def test_a_start_logs_each_warning_once_and_what_is_away_or_could_not_be_checked() -> None:
    recorded, log = RecordingLog.pair()
    told = [finding(Verdict.OK), finding(Verdict.WARNING), finding(Verdict.AWAY)]
    found = [*told, skipped("clock", "Kafka", "no right")]
    pass_or_refuse(found, log)
    assert [(event, values["found"]) for event, values in recorded.events] == [
        ("preflight.warning", "holds 5 s"),
        ("preflight.away", "holds 5 s"),
        ("preflight.skipped", "no right"),
    ]


def test_a_refusal_names_every_refused_finding() -> None:
    _, log = RecordingLog.pair()
    with pytest.raises(ConfigurationError) as told:
        pass_or_refuse([finding(Verdict.REFUSED), finding(Verdict.REFUSED, "disk")], log)
    assert "2 checks refuse this start" in str(told.value)
    assert "disk, frames.cam1: holds 5 s; raise it" in str(told.value)
    with pytest.raises(ConfigurationError, match=r"^holds 5 s; raise it$"):
        require([finding(Verdict.REFUSED), finding(Verdict.OK)])
    require([finding(Verdict.WARNING), finding(Verdict.AWAY)])


def test_what_the_traffic_decides_never_refuses_a_services_start() -> None:
    verdicts = [one.verdict for one in softened(finding(verdict) for verdict in Verdict)]
    assert verdicts == [
        Verdict.OK,
        Verdict.WARNING,
        Verdict.WARNING,
        Verdict.SKIPPED,
        Verdict.AWAY,
    ]
    assert refused([finding(Verdict.REFUSED)]) != []


def test_a_system_that_is_away_is_told_beside_refusals_and_alone_ends_the_start() -> None:
    def away() -> int:
        raise DependencyError("no answer")

    def wrong() -> int:
        raise ConfigurationError("no such model")

    found: list[Finding] = []
    with pytest.raises(DependencyError):
        asked("model", "ssd", away, found)
    assert asked("model", "ssd", lambda: 7, found) == 7
    assert asked("model", "ssd", wrong, found) is None
    assert asked("S3", "bucket", away, found) is None
    assert [(one.verdict, one.said) for one in found] == [
        (Verdict.REFUSED, "no such model"),
        (Verdict.AWAY, "no answer"),
    ]
