"""`framerail doctor` shows what was found, and ends with the code that says how bad it is."""

import io

import pytest
from msgspec import UNSET
from rich.console import Console

from ops.doctor.command import UnhealthyCamera, check_diagnosis, doctor
from ops.doctor.printing import print_diagnosis
from producer.diagnosis.report import Diagnosis, Finding, Measurements, StreamEntry, Verdict
from runtime.errors import ConfigurationError, DependencyError, FramerailError
from tests.unit.diagnosis_sightings import HD, HEALTHY, figures

URL = "rtsp://***@gate/live"
TROUBLE = Finding("refused", "connection [refused]", "check the [port]")
ENTRY = StreamEntry(id="gate", url="rtsp://${GATE_USER}:${GATE_PASSWORD}@gate/live", max_fps=10)


def of(
    verdict: Verdict,
    problem: Finding | None = None,
    measured: Measurements = HEALTHY,
    *warnings: Finding,
) -> Diagnosis:
    return Diagnosis(
        url=URL,
        transport="tcp",
        verdict=verdict,
        problem=problem,
        warnings=warnings,
        video=HD,
        measured=measured,
        advised_entry=ENTRY,
    )


def shown(diagnosis: Diagnosis) -> str:
    text = io.StringIO()
    print_diagnosis(Console(file=text, width=100), diagnosis)
    return text.getvalue()


def test_a_healthy_camera_is_shown_with_its_figures_and_the_entry_to_paste() -> None:
    text = shown(of("healthy"))
    for part in (
        "h264 High, 1920x1080",
        "yuv420p, limited range",
        "10/s, declared 10/s",
        "2 ms, longest gap 110 ms",
        "10 frames (1 s), no B-frames",
        "1.0 Mbit/s",
        "RTCP wall time, -40 ms against this machine",
        "100 in 10 s, the first after 0.4 s",
        "0 corrupt, 0 frozen, 0 repeat the one before; 0 more skipped",
        "5 % of the camera's thread",
        "TCP",
        "healthy",
        "\nstreams:\n  - id: gate\n    url: rtsp://${GATE_USER}:${GATE_PASSWORD}@gate/live\n",
        "    max_fps: 10\n",
    ):
        assert part in text
    assert "max_width" not in text
    assert "problem" not in text


def test_what_could_not_be_measured_is_shown_as_a_dash() -> None:
    text = shown(
        of(
            "warnings",
            None,
            figures(
                fps=None,
                bit_rate_bps=None,
                keyframe_interval_frames=None,
                clock_skew_ms=None,
                decode_load=None,
            ),
        )
    )
    assert "-, declared 10/s" in text
    assert "no RTCP wall time within 10 s" in text
    assert "None" not in text


def test_a_bound_and_a_disbelieved_clock_are_called_so() -> None:
    text = shown(
        of(
            "warnings",
            None,
            figures(
                is_keyframe_interval_open=True,
                clock="arrival",
                clock_skew_ms=3_600_000,
                bit_rate_bps=414_000,
            ),
        )
    )
    assert "at least 10 frames" in text
    assert "RTCP is too far off, +3600000 ms" in text
    assert "414 kbit/s" in text


def test_findings_are_shown_to_the_letter_with_what_to_do_next() -> None:
    text = shown(of("unhealthy", TROUBLE, HEALTHY, Finding("x", "a [b]", "then [c]")))
    assert "problem: connection [refused]\n  next: check the [port]\n" in text
    assert "warning: a [b]\n  next: then [c]\n" in text


def test_of_a_camera_that_was_not_reached_only_the_problem_is_shown() -> None:
    unreached = Diagnosis(url=URL, transport="tcp", verdict="unreachable", problem=TROUBLE)
    assert shown(unreached).startswith(f"{URL}\nproblem:")
    assert unreached.advised_entry is None


@pytest.mark.parametrize(
    ("verdict", "kind", "code"),
    [("unhealthy", UnhealthyCamera, 1), ("unreachable", DependencyError, 3)],
)
def test_the_exit_code_tells_bad_video_from_no_camera(
    verdict: Verdict, kind: type[FramerailError], code: int
) -> None:
    with pytest.raises(kind, match="connection") as ended:
        check_diagnosis(of(verdict, TROUBLE))
    assert ended.value.exit_code == code


@pytest.mark.parametrize("verdict", ["healthy", "warnings"])
def test_a_camera_that_can_be_used_ends_the_command_well(verdict: Verdict) -> None:
    check_diagnosis(of(verdict))


def test_a_wrong_url_and_udp_under_tls_are_refused_before_anything_is_connected() -> None:
    with pytest.raises(ConfigurationError, match="rtsp://"):
        doctor("http://joe:hush@gate/")
    with pytest.raises(ConfigurationError, match="TCP alone"):
        doctor("rtsps://gate/", transport="udp")


@pytest.mark.parametrize("host", ["gate..lan", "g" * 64])
def test_a_host_that_no_name_server_can_be_asked_for_is_wrong_input(host: str) -> None:
    with pytest.raises(ConfigurationError, match="parts between dots") as refused:
        doctor(f"rtsp://{host}/live")
    assert refused.value.exit_code == 2


def test_fields_of_an_entry_that_are_not_advised_stay_out_of_it() -> None:
    assert ENTRY.max_width is UNSET
