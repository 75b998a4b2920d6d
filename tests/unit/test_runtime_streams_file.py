"""Every mistake in streams.yaml is told, all at once, and no password with it."""

import re

import pytest

from runtime.errors import ConfigurationError
from runtime.streams_file import StreamSpec, parse_streams, read_url

GOOD = """
streams:
  - id: gate
    url: rtsp://192.0.2.1/live
  - id: yard-2
    url: rtsps://viewer:pass@192.0.2.2:8554/live?channel=1
    max_fps: 12.5
    max_width: 640
    jpeg_quality: 70
"""


def mistakes(text: str | bytes, **environment: str) -> str:
    raw = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(ConfigurationError) as refused:
        parse_streams(raw, environment)
    assert refused.value.exit_code == 2
    return str(refused.value)


def stream(**fields: str) -> str:
    given = {"id": "gate", "url": "rtsp://192.0.2.1/live"} | fields
    body = "\n    ".join(f"{name}: {value}" for name, value in given.items())
    return f"streams:\n  - {body}\n"


def test_a_good_file_is_read() -> None:
    gate, yard = parse_streams(GOOD.encode(), {})
    assert gate == StreamSpec(id="gate", url="rtsp://192.0.2.1/live")
    assert (yard.max_fps, yard.max_width, yard.jpeg_quality) == (12.5, 640, 70)


def test_whole_numbers_serve_as_rates_and_a_byte_order_mark_does_no_harm() -> None:
    (gate,) = parse_streams(b"\xef\xbb\xbf" + stream(max_fps="10").encode(), {})
    assert gate.max_fps == 10


def test_variables_are_taken_from_the_environment() -> None:
    text = stream(url="rtsp://${USER_1}:${PASSWORD}@${HOST}/live").encode()
    (gate,) = parse_streams(text, {"USER_1": "viewer", "PASSWORD": "hush", "HOST": "192.0.2.1"})
    assert gate.url == "rtsp://viewer:hush@192.0.2.1/live"


def test_a_password_may_hold_any_character() -> None:
    text = stream(url="rtsp://viewer:${PASSWORD}@192.0.2.1/live").encode()
    (gate,) = parse_streams(text, {"PASSWORD": "p@ss/w:rd #?%"})
    assert gate.url == "rtsp://viewer:p%40ss%2Fw:rd%20%23%3F%25@192.0.2.1/live"


def test_a_variable_may_hold_a_whole_url() -> None:
    text = stream(url="${GATE_URL}").encode()
    (gate,) = parse_streams(text, {"GATE_URL": "rtsp://viewer:a%40b@192.0.2.1/live"})
    assert gate.url == "rtsp://viewer:a%40b@192.0.2.1/live"


def test_the_url_is_not_part_of_how_a_stream_is_shown() -> None:
    assert "hush" not in repr(StreamSpec(id="gate", url="rtsp://viewer:hush@192.0.2.1/live"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file holds nothing: expected a mapping with the key 'streams'"),
        ("- id: gate", "the file holds a list: expected a mapping"),
        ("just words", "the file holds a str"),
        ("cameras: []", "unknown key 'cameras': expected only 'streams'"),
        ("streams: []", "expected a list of at least one stream"),
        ("streams:", "expected a list of at least one stream"),
        ("streams: {gate: rtsp://h/p}", "expected a list of at least one stream"),
        ("streams:\n  - gate", "streams[0]: is a str: expected a mapping with 'id' and 'url'"),
        ("streams:\n  - id: gate\n   url: x", "no valid YAML at line 3"),
        ("streams: [", "no valid YAML at line 1"),
        ("streams: !!python/object:os.system {}", "no valid YAML at line 1"),
        ("streams:\n  - {id: a, id: b, url: c}", "no valid YAML at line 2, column 13: 'id' twice"),
        ("streams:\n  - {[1]: a}", "no valid YAML"),
        ("streams: \x00", "no valid YAML"),
        (b"streams: \xff", "not UTF-8 at byte 9"),
    ],
)
def test_a_file_that_is_no_list_of_streams_is_explained(text: str | bytes, told: str) -> None:
    assert told in mistakes(text)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"id": "Gate"}, "streams[0] (Gate): id is 'Gate': expected 1 to 63 of a-z, 0-9 and '-'"),
        ({"id": "-gate"}, "id is '-gate': expected 1 to 63"),
        ({"id": '"gate\\n"'}, "expected 1 to 63"),
        ({"id": "g" * 64}, "expected 1 to 63"),
        ({"id": "7"}, "streams[0]: id is 7: Input should be a valid string"),
        ({"id": ""}, "id is None: Input should be a valid string"),
        (
            {"url": "http://192.0.2.1/x"},
            "url is 'http://192.0.2.1/x': expected rtsp:// or rtsps://",
        ),
        ({"url": "/dev/video0"}, "expected rtsp:// or rtsps://"),
        ({"url": "rtsp:///live"}, "expected rtsp://host[:port]/path"),
        ({"url": "rtsp://:554/live"}, "expected rtsp://host[:port]/path"),
        ({"url": "rtsp://host:99999/live"}, "no valid URL: check its port"),
        ({"url": "rtsp://host:0/live"}, "expected rtsp://host[:port]/path"),
        ({"url": "rtsp://[::1/live"}, "no valid URL"),
        ({"url": "rtsp://host/a b"}, "expected rtsp://host[:port]/path"),
        ({"url": "rtsp://gate..lan/live"}, "expected a host name whose parts between dots"),
        ({"url": f"rtsps://{'g' * 64}.lan/live"}, "parts between dots have 1 to 63 characters"),
        ({"url": "rtsp://.gate/live"}, "expected a host name whose parts between dots"),
        ({"url": '"rtsp://gate\\u200e/live"'}, "expected a host name whose parts between dots"),
        ({"url": "5"}, "url is 5: Input should be a valid string"),
        ({"url": "rtsp://u:${NO_SUCH}@host/p"}, "names the variable ${NO_SUCH}, which is not set"),
        ({"url": "rtsp://${}@host/p"}, "names the variable ${}, which is not set"),
        ({"max_fps": "0"}, "max_fps is 0: Input should be greater than 0"),
        ({"max_fps": "-1"}, "max_fps is -1: Input should be greater than 0"),
        ({"max_fps": "999"}, "max_fps is 999: Input should be less than or equal to 240"),
        ({"max_fps": ".nan"}, "max_fps is nan: Input should be"),
        ({"max_fps": "fast"}, "max_fps is 'fast': Input should be a valid number"),
        ({"max_fps": "true"}, "max_fps is True: Input should be a valid number"),
        ({"max_width": "8"}, "max_width is 8: Input should be greater than or equal to 16"),
        ({"max_width": "640.5"}, "max_width is 640.5: Input should be a valid integer"),
        ({"jpeg_quality": "0"}, "jpeg_quality is 0: Input should be greater than or equal to 1"),
        ({"jpeg_quality": "101"}, "jpeg_quality is 101: Input should be less than or equal to 100"),
        ({"fps": "10"}, "unknown key 'fps': expected one of id, url, max_fps"),
    ],
)
def test_a_wrong_field_is_told_with_its_value_and_what_was_expected(
    fields: dict[str, str], told: str
) -> None:
    assert told in mistakes(stream(**fields))


@pytest.mark.parametrize(
    "host",
    ["gate", "gate.lan.", "yard_cam.lan", "g" * 63, "bücher.example", "192.0.2.1", "[2001:db8::7]"],
)
def test_every_host_that_can_be_looked_up_is_taken(host: str) -> None:
    url = f"rtsp://joe:hush@{host}:8554/live"
    (gate,) = parse_streams(stream(url=url).encode(), {})
    assert gate.url == url


def test_missing_fields_are_told() -> None:
    text = mistakes("streams:\n  - max_fps: 5\n")
    assert "streams[0]: id is missing" in text
    assert "streams[0]: url is missing" in text


def test_an_id_that_occurs_twice_is_told_with_both_places() -> None:
    twice = GOOD + "  - id: gate\n    url: rtsp://192.0.2.3/x\n"
    assert "streams[2] (gate): id is that of streams[0] too" in mistakes(twice)


def test_all_mistakes_of_a_file_are_told_at_once() -> None:
    text = mistakes(
        "streams:\n"
        "  - {id: A, url: 'ftp://h/p', max_fps: 0}\n"
        "  - {id: b, url: 'rtsp://${NO_SUCH}@h/p', colour: red}\n"
        "  - {id: b, url: 'rtsp://h/p'}\n"
    )
    assert text.startswith("6 mistake(s):")
    assert len(text.splitlines()) == 7


@pytest.mark.parametrize(
    "url",
    [
        "ftp://viewer:hush@192.0.2.1/live",
        "rtsp://viewer:hush/hush@192.0.2.1:99999/live",
        "rtsp://viewer:hu@sh@:554/live",
        "rtsp://viewer:hush hush@192.0.2.1/live",
        "rtsp://viewer:hush[@192.0.2.1/live",
    ],
)
def test_no_mistake_shows_the_password_of_a_url(url: str) -> None:
    text = mistakes(stream(url=f'"{url}"'))
    assert "hush" not in text
    assert "sh@" not in text


AMBIGUOUS = [
    "rtsp://viewer:554/hush@gate/live",
    "rtsp://viewer:554?hush@gate/live",
    "rtsp://viewer:554#hush@gate/live",
    "rtsp://viewer/hush@gate/live",
    "rtsp://viewer:99999/hush@gate/live",
    "rtsp://viewer:no-port/hush@gate/live",
    "rtsps://viewer:half@554/hush@gate/live",
    "rtsp://gate:554/p@th",
]


@pytest.mark.parametrize("url", AMBIGUOUS)
def test_a_url_whose_host_may_be_half_a_password_is_refused_and_no_part_of_it_shown(
    url: str,
) -> None:
    from_file = mistakes(stream(url=f'"{url}"'))
    from_variable = mistakes(stream(url="${URL}"), URL=url)
    with pytest.raises(ConfigurationError) as from_user:
        read_url(url, {})
    assert from_user.value.exit_code == 2
    for text in (from_file, from_variable, str(from_user.value)):
        assert "percent-encode '@', '/', '?' and '#' in user and password" in text
        assert not re.search("viewer|554|hush|half|gate|live|p@th", text.partition("url")[2])


def test_what_is_percent_encoded_is_not_ambiguous() -> None:
    url = "rtsp://viewer:554%2Fhu%40sh@gate/p%40th"
    assert read_url(url, {}) == url


def test_no_mistake_shows_a_secret_from_the_environment() -> None:
    text = mistakes(stream(url="ftp://viewer:${PASSWORD}@h/p"), PASSWORD="hush")
    assert "hush" not in text


@pytest.mark.parametrize(
    "text",
    [
        "streams:\n  - id: rtsp://joe:hush@h/p\n    url: cam1\n",
        "rtsp://joe:hush@h/p: 1\nstreams: []\n",
        "streams:\n  - id: cam1\n    url: rtsp://h/p\n    rtsp://joe:hush@h/p: 1\n",
        "streams: []\n? rtsp://joe:hush@h/p\n: 1\n? rtsp://joe:hush@h/p\n: 2\n",
    ],
)
def test_a_url_in_the_wrong_place_shows_no_password(text: str) -> None:
    assert "hush" not in mistakes(text)
