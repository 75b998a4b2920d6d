"""The advised entry of streams.yaml can be pasted, and holds no password."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from ops.doctor.printing import entry_yaml
from producer.diagnosis.entry import advised_entry, suggested_id, with_variables
from runtime.errors import ConfigurationError
from runtime.streams_file import parse_streams, read_url
from tests.unit.diagnosis_sightings import HD, HEALTHY, figures, video


@pytest.mark.parametrize(
    ("url", "stream_id"),
    [
        ("rtsp://gate.example.net/live", "gate"),
        ("rtsp://Yard_Cam.local:8554/", "yard-cam"),
        ("rtsp://192.0.2.10/stream1", "camera-192-0-2-10"),
        ("rtsps://[2001:db8::7]/x", "camera-2001-db8-7"),
        ("rtsp://u:p@4th-floor/x", "4th-floor"),
    ],
)
def test_a_stream_is_named_after_its_host(url: str, stream_id: str) -> None:
    assert suggested_id(url) == stream_id


@pytest.mark.parametrize(
    ("given", "url", "advised"),
    [
        ("", "rtsp://gate/live", "rtsp://gate/live"),
        ("", "rtsp://gate:8554/live?x=1", "rtsp://gate:8554/live?x=1"),
        ("", "rtsp://joe:hush@gate/live", "rtsp://${GATE_USER}:${GATE_PASSWORD}@gate/live"),
        ("", "rtsp://joe:h@sh@gate/live", "rtsp://${GATE_USER}:${GATE_PASSWORD}@gate/live"),
        ("", "rtsp://joe@gate/live", "rtsp://${GATE_USER}@gate/live"),
        ("", "rtsp://gate/live?password=hush", "${GATE_URL}"),
        ("", "rtsp://joe:hush@gate/live?ch=1&token=hush", "${GATE_URL}"),
        ("", "rtsp://gate/user=joe_password=hush_channel=1_stream=0.sdp", "${GATE_URL}"),
        ("", "rtsp://j:h@4th/x", "rtsp://${CAMERA_4TH_USER}:${CAMERA_4TH_PASSWORD}@4th/x"),
        ("rtsp://${U}:${P}@gate/live", "rtsp://joe:hush@gate/live", "rtsp://${U}:${P}@gate/live"),
        (
            "rtsp://joe:${P}@gate/live",
            "rtsp://joe:hush@gate/live",
            "rtsp://${GATE_USER}:${GATE_PASSWORD}@gate/live",
        ),
        ("${GATE}", "rtsp://joe:hush@gate/live", "${GATE}"),
        (
            "${S}://joe:hush@gate/",
            "rtsp://joe:hush@gate/",
            "rtsp://${GATE_USER}:${GATE_PASSWORD}@gate/",
        ),
    ],
)
def test_credentials_become_variables(given: str, url: str, advised: str) -> None:
    assert with_variables(given or url, url, suggested_id(url)) == advised


SECRETS = st.text("abcXYZ019%~!$&'()*+,;=:-._", min_size=6, max_size=20)


@given(SECRETS)
def test_no_password_stands_in_an_advised_entry_and_the_entry_leads_to_the_same_url(
    password: str,
) -> None:
    secret = f"Q{password}Q"
    url = f"rtsp://joe:{secret}@gate.example:8554/live"
    text = entry_yaml(advised_entry(url, url, HD, HEALTHY))
    assert secret not in text
    environment = {"GATE_USER": "joe", "GATE_PASSWORD": "h@sh/ %"}
    (spec,) = parse_streams(text.encode(), environment)
    assert spec.url == "rtsp://joe:h%40sh%2F%20%25@gate.example:8554/live"


def test_video_within_what_framerail_is_sized_for_is_read_as_it_is() -> None:
    entry = advised_entry("rtsp://gate/x", "rtsp://gate/x", HD, figures(fps=12.0))
    assert (entry.max_fps, entry.max_width) == (UNSET, UNSET)
    assert "max" not in entry_yaml(entry)


def test_fast_and_wide_video_is_thinned_and_scaled_down() -> None:
    wide = video(size_wh=(3840, 2160))
    text = entry_yaml(advised_entry("rtsp://gate/x", "rtsp://gate/x", wide, figures(fps=24.9)))
    (spec,) = parse_streams(text.encode(), {})
    assert (spec.id, spec.max_fps, spec.max_width) == ("gate", 10, 1920)


def test_a_rate_that_could_not_be_measured_asks_for_no_limit() -> None:
    assert advised_entry("rtsp://gate/", "rtsp://gate/", HD, figures(fps=None)).max_fps is UNSET


def test_a_url_is_read_as_in_a_streams_file() -> None:
    environment = {"CAMERA_PASSWORD": "h/sh"}
    url = read_url("rtsp://joe:${CAMERA_PASSWORD}@gate/live", environment)
    assert url == "rtsp://joe:h%2Fsh@gate/live"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://joe:hush@gate/", "expected rtsp:// or rtsps://"),
        ("rtsp://joe:hush@gate:port/", "no valid URL"),
        ("rtsp://joe:hush@", "expected rtsp://host"),
        ("rtsp://joe:${ABSENT}@gate/hush@", "ABSENT"),
        ("joe:hush@gate/live", "expected rtsp:// or rtsps://"),
    ],
)
def test_a_wrong_url_is_refused_without_its_password(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_url(url, {})
    assert said in str(refused.value)
    assert "hush" not in str(refused.value)
