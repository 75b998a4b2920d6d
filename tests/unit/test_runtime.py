import json
import logging
import random
import threading
import time
from pathlib import Path

import httpx
import pytest
import structlog
from prometheus_client import CollectorRegistry, Counter

from runtime.backoff import growing_waits
from runtime.cli import run_command
from runtime.errors import ConfigurationError, DependencyError
from runtime.health import HealthServer, Heartbeat
from runtime.kafka_clients import connection_options
from runtime.logs import configure_logs, get_logger, redacted
from runtime.settings import KafkaSettings, load_settings
from runtime.stop import StopSignal
from runtime.storms import StormFold
from runtime.topics import deadletter_spec, frames_spec, results_spec


def test_waits_grow_to_a_bound_and_are_never_short_of_half_of_it() -> None:
    waits_s = growing_waits(1, 8, random.Random(1))
    for bound_s in (1, 2, 4, 8, 8, 8):
        assert bound_s / 2 <= next(waits_s) <= bound_s


def test_a_storm_of_equal_events_is_folded_into_one_line_with_a_count() -> None:
    now_s = 0.0
    fold = StormFold(lambda: now_s, window_s=30)
    assert fold.admit("a") == 0
    assert [fold.admit("a") for _ in range(5)] == [None] * 5
    assert fold.admit("b") == 0
    now_s = 31.0
    assert fold.admit("a") == 5
    now_s = 62.0
    assert fold.admit("a") == 0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://user:secret@cam/1", "rtsp://***@cam/1"),
        ("rtsp://u:p/ss@h/1", "rtsp://***@h/1"),
        ("x RTSPS://u:p%40ss@h:1/ and rtsp://a:b@c", "x RTSPS://***@h:1/ and rtsp://***@c"),
        ("rtsp://u:p@ss:word@h/1", "rtsp://***@h/1"),
        ("rtsp://cam/1?at=a:b@c", "rtsp://cam/1?at=a:b@c"),
        ("http://host:80/a", "http://host:80/a"),
        ("rtsp://token@cam/", "rtsp://***@cam/"),
        ("rtsp://to@ken@cam/1 and a@b", "rtsp://***@cam/1 and a@b"),
        (
            "rtsp://cam/live?user=admin&password=x&channel=1",
            "rtsp://cam/live?user=admin&password=***&channel=1",
        ),
        ("rtsp://cam/?Access_Token=x/y and", "rtsp://cam/?Access_Token=*** and"),
        ("rtsp://u:p@cam/?pwd=x&api-key=y#z", "rtsp://***@cam/?pwd=***&api-key=***"),
    ],
)
def test_urls_are_printed_without_their_credentials(text: str, shown: str) -> None:
    assert redacted(text) == shown


def test_log_lines_are_json_with_their_values_and_without_passwords(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logs(load_settings(KafkaSettings, log_format="json"), "tested")
    try:
        get_logger().info("stream.lost", url="rtsp://u:hunter2@cam", attempt=3)
        logging.getLogger("library").warning("at %s", "rtsp://u:hunter2@cam")
        try:
            raise RuntimeError("rtsp://u:hunter2@cam is away")
        except RuntimeError:
            get_logger().exception("service.crashed")
    finally:
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()
        logging.basicConfig(force=True)
    written = capsys.readouterr().err
    assert "hunter2" not in written
    event, library, crash = (json.loads(line) for line in written.splitlines())
    assert (event["event"], event["attempt"], event["service"]) == ("stream.lost", 3, "tested")
    assert library["library"] == "library"
    assert "RuntimeError" in crash["exception"]


def test_settings_are_taken_from_variables_and_secret_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "framerail_kafka_password").write_text("hunter2")
    monkeypatch.setenv("FRAMERAIL_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("FRAMERAIL_KAFKA_USERNAME", "framerail")
    monkeypatch.setenv("FRAMERAIL_KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
    settings = load_settings(KafkaSettings)
    assert connection_options(settings)["sasl_plain_password"] == "hunter2"
    assert "hunter2" not in repr(settings)


def test_every_wrong_setting_is_named_at_once_and_no_value_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS", "nowhere")
    monkeypatch.setenv("FRAMERAIL_HTTP_PORT", "70000")
    monkeypatch.setenv("FRAMERAIL_CREATE_TOPICS", "hunter2")
    with pytest.raises(ConfigurationError) as raised:
        load_settings(KafkaSettings)
    said = str(raised.value)
    assert said.startswith("3 setting(s) are wrong")
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "HTTP_PORT", "CREATE_TOPICS"):
        assert f"FRAMERAIL_{name}: " in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kafka_security_protocol": "SASL_SSL"}, "kafka_username and kafka_password"),
        ({"kafka_ca_file": "/absent/ca.pem"}, "/absent/ca.pem: no such file"),
    ],
)
def test_settings_that_need_each_other_are_checked(given: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        load_settings(KafkaSettings, **given)


def test_topics_take_the_largest_record_that_settings_allow() -> None:
    settings = load_settings(KafkaSettings, max_frame_bytes=300_000, max_result_bytes=400_000)
    assert frames_spec(settings, "cam1").max_message_bytes > 300_000
    assert results_spec(settings).max_message_bytes > 400_000
    assert deadletter_spec(settings).max_message_bytes > results_spec(settings).max_message_bytes


def test_health_tells_a_stuck_loop_from_one_that_is_not_ready_yet() -> None:
    now_s = 0.0
    heartbeat = Heartbeat(lambda: now_s, stuck_after_s=10)
    registry = CollectorRegistry()
    Counter("seen_total", "Seen.", registry=registry).inc()
    server = HealthServer("127.0.0.1", 0, registry, heartbeat)
    url = f"http://127.0.0.1:{server.port}"
    try:
        assert [httpx.get(url + path).status_code for path in ("/healthz", "/readyz")] == [200, 503]
        heartbeat.is_ready = True
        now_s = 11.0
        assert [httpx.get(url + path).status_code for path in ("/healthz", "/readyz")] == [503, 200]
        heartbeat.beat()
        assert httpx.get(url + "/healthz").status_code == 200
        assert "seen_total 1.0" in httpx.get(url + "/metrics").text
        assert httpx.get(url + "/else").status_code == 404
    finally:
        server.close()


def test_a_wait_ends_with_the_stop_signal() -> None:
    stop = StopSignal()
    assert not stop.wait(0)
    assert stop.elapsed_s == 0
    threading.Timer(0.05, stop.set).start()
    begun_s = time.monotonic()
    assert stop.wait(10)
    assert time.monotonic() - begun_s < 5
    assert 0 <= stop.elapsed_s < 5


def test_a_command_says_why_it_failed_and_returns_its_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> None:
        raise DependencyError("rtsp://u:p@cam is away")

    assert run_command("framerail", fail) == 3
    assert capsys.readouterr().err == "framerail: rtsp://***@cam is away\n"
    assert run_command("framerail", lambda: None) == 0
