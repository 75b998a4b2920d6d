"""No password in a log, however it comes there, and no record that makes a log a burden."""

import json
import logging
import time
from collections.abc import Callable

import pytest
import structlog

from runtime.kafka_clients import connection_options
from runtime.logs import MAX_VALUE_CHARS, configure_logs, get_logger, redacted
from runtime.settings import KafkaSettings, load_settings

SECRET = "hunter2"
URL = f"rtsp://admin:{SECRET}@192.0.2.1/live"


class Carrier:
    """Something whose text holds a URL."""

    def __repr__(self) -> str:
        return f"Carrier({URL})"


def written_by(write: Callable[[], object], capsys: pytest.CaptureFixture[str]) -> str:
    """Return what a service's log says of something, at debug level."""
    configure_logs(load_settings(KafkaSettings, log_format="json", log_level="debug"), "tested")
    try:
        write()
    finally:
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()
        logging.basicConfig(force=True)
    return capsys.readouterr().err


@pytest.mark.parametrize(
    "value",
    [URL, [URL], (URL, 1), {"at": URL}, {URL: 1}, {URL}, ValueError(URL), Carrier(), URL.encode()],
    ids=lambda value: type(value).__name__,
)
def test_a_password_is_taken_out_of_whatever_holds_it(
    value: object, capsys: pytest.CaptureFixture[str]
) -> None:
    def write() -> None:
        get_logger().warning("stream.lost", reason=value, count=3, share=0.5, is_so=True, no=None)

    written = written_by(write, capsys)
    assert SECRET not in written
    assert "192.0.2.1" in written
    line = json.loads(written)
    assert (line["count"], line["share"], line["is_so"], line["no"]) == (3, 0.5, True, None)


def test_libraries_say_nothing_below_a_warning_even_at_debug_level(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """kafka-python's debug log holds every request, and that of PLAIN holds the password."""

    def write() -> None:
        for name in ("kafka.net.connection", "botocore.auth", "urllib3.connectionpool"):
            logging.getLogger(name).debug("Request: %s", SECRET)
            logging.getLogger(name).info("Request: %s", SECRET)

    assert written_by(write, capsys) == ""


def test_a_value_of_megabytes_becomes_a_line_that_can_be_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def write() -> None:
        get_logger().warning("record.refused", reason="x" * 5_000_000, names=["y" * 100_000] * 3)

    written = written_by(write, capsys)
    assert len(written) < 5 * MAX_VALUE_CHARS
    assert "(5000000 characters)" in written


@pytest.mark.parametrize("before", range(MAX_VALUE_CHARS - len(URL) - 3, MAX_VALUE_CHARS + 3, 4))
def test_a_url_that_is_cut_in_two_shows_no_part_of_its_password(
    before: int, capsys: pytest.CaptureFixture[str]
) -> None:
    reason = "x" * (before - 1) + " " + URL + "y" * 50_000
    written = written_by(lambda: get_logger().warning("refused", reason=reason), capsys)
    assert "hunter" not in written
    assert "admin" not in written


@pytest.mark.parametrize(
    "text",
    [
        "a" * 200_000,
        "a://:" * 1500,
        ("a" * 31 + "://:") * 200,
        ("a" * 31 + "://:") * 200 + "@",
        "a://:b" * 1300,
        "a://b/" * 1300 + "@",
        "?password=" * 20_000,
        "?" * 200_000,
        "?" + "a" * 200_000,
    ],
    ids=lambda text: f"{text[:8]} x {len(text)}",
)
def test_no_text_makes_redaction_slow(text: str) -> None:
    """Of 7000 letters, the third took 1.8 s, and four times that of twice as many."""
    begun_s = time.process_time()
    redacted(text)
    assert time.process_time() - begun_s < 1.0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://h/x,rtsp://u:p@h", "http://h/x,rtsp://***@h"),
        ("rtsp://a:b@c,rtsp://d:e@f", "rtsp://***@f"),
        ("RTSP://u:p@h and s3+x.y-z://t@h/", "RTSP://***@h and s3+x.y-z://***@h/"),
        ("://u:p@h", "://u:p@h"),
        ("rtsp://", "rtsp://"),
        ("rtsp://@h", "rtsp://***@h"),
    ],
)
def test_each_url_of_a_word_is_looked_at(text: str, shown: str) -> None:
    assert redacted(text) == shown


def test_options_of_kafka_hold_the_password_and_no_text_of_the_settings_does() -> None:
    settings = load_settings(
        KafkaSettings,
        kafka_security_protocol="SASL_PLAINTEXT",
        kafka_username="framerail",
        kafka_password=SECRET,
    )
    assert connection_options(settings)["sasl_plain_password"] == SECRET
    assert SECRET not in f"{settings!r} {settings} {settings.model_dump_json()}"
