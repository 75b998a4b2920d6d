"""What traces cost where they are off, and where their endpoint is away."""

import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from pydantic import SecretStr

from local.stack import CHECKOUT
from runtime import otel, tracing
from runtime.errors import ConfigurationError
from runtime.otel import QUEUE_SPANS, Tracer, traces_url
from runtime.settings import ServiceSettings, load_settings
from runtime.stop import StopSignal
from tests.unit.recorded_spans import Recorder, is_failed, known

Eventually = Callable[[Callable[[], bool], str, float], None]


@pytest.mark.parametrize("service", ["producer", "consumer", "postproc"])
def test_a_service_that_traces_nothing_does_not_even_import_opentelemetry(service: str) -> None:
    code = (
        f"import {service}.__main__, sys\n"
        "from runtime.settings import ServiceSettings\n"
        "from runtime.stop import StopSignal\n"
        "from runtime.tracing import step, tracing\n"
        "with tracing(ServiceSettings(), 'x', StopSignal()) as tracer, step('decode'):\n"
        "    print(tracer, [m for m in sys.modules if m.startswith(('opentelemetry', 'requests'))])"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=CHECKOUT,
    )
    assert ran.stdout == "None []\n"


@pytest.mark.parametrize(
    "wrong",
    [
        "127.0.0.1:4318",
        "grpc://127.0.0.1:4317",
        "http://",
        "http://host:99999",
        "http://host/?token=hush",
        "http://ho st",
        "http://user:hush@host:port",
        "",
    ],
)
def test_an_endpoint_that_is_no_base_url_is_refused_without_being_quoted(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="FRAMERAIL_TRACES_ENDPOINT") as refused:
        load_settings(ServiceSettings, traces_endpoint=wrong)
    assert "hush" not in str(refused.value)


def test_the_settings_do_not_show_the_password_of_the_endpoint() -> None:
    settings = load_settings(ServiceSettings, traces_endpoint="https://me:hush@otel.example/in")
    assert "hush" not in repr(settings) + str(settings.model_dump())


@pytest.mark.parametrize(
    "endpoint",
    ["http://127.0.0.1:4318", "http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"],
)
def test_spans_go_to_the_path_that_otlp_names(endpoint: str) -> None:
    assert traces_url(endpoint) == "http://127.0.0.1:4318/v1/traces"


class _Exporter(SpanExporter):
    """Fails, or holds every request until the test lets go."""

    def __init__(self, holds: bool = False) -> None:
        self.gate = threading.Event()
        self.exported = 0
        if not holds:
            self.gate.set()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.gate.wait(30)
        self.exported += len(spans)
        return SpanExportResult.FAILURE

    def shutdown(self) -> None:
        self.gate.set()


def test_a_server_that_never_answers_holds_up_neither_spans_nor_a_stop() -> None:
    hung = _Exporter(holds=True)
    tracer = Tracer(hung, "test")
    begun_s = time.monotonic()
    for _ in range(3 * QUEUE_SPANS):
        tracer.start("frame").end()
    told_s = time.monotonic() - begun_s
    tracer.close(0.5)
    assert told_s < 5
    assert time.monotonic() - begun_s - told_s < 3
    assert hung.exported <= 2 * QUEUE_SPANS


def test_a_stop_does_not_wait_for_an_endpoint_that_was_away(eventually: Eventually) -> None:
    failing = _Exporter()
    tracer = Tracer(failing, "test")
    for _ in range(otel.SEND_SPANS):
        tracer.start("frame").end()
    eventually(lambda: failing.exported > 0, "a request was made", 10)
    failing.gate.clear()
    tracer.start("frame").end()
    begun_s = time.monotonic()
    tracer.close(20)
    assert time.monotonic() - begun_s < 5


def test_what_waits_at_a_stop_is_sent() -> None:
    recorder = Recorder()
    for _ in range(10):
        recorder.tracer.start("frame").end()
    assert len(recorder.recorded().spans) == 10


def test_an_endpoint_that_is_away_is_told_in_the_log_without_its_password(
    capsys: pytest.CaptureFixture[str], eventually: Eventually
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    log: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: log.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("opentelemetry").addHandler(handler)
    settings = ServiceSettings(traces_endpoint=SecretStr(f"http://me:hush@127.0.0.1:{port}"))
    stop = StopSignal()
    with tracing.tracing(settings, "test", stop) as tracer:
        assert tracer is not None
        tracer.start("frame").end()
        eventually(lambda: bool(log), "the library has told of it", 20)
    logging.getLogger("opentelemetry").removeHandler(handler)
    told = capsys.readouterr()
    assert "hush" not in "".join(log) + told.out + told.err
    assert str(port) in "".join(log)


def test_where_the_sdk_itself_is_switched_off_nothing_is_traced_and_nothing_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    recorder = Recorder()
    span = recorder.tracer.start("frame")
    child = span.child("send", "producer", {"offset": 1})
    assert (span.traceparent, child.traceparent) == (None, None)
    child.fail("refused", "refused")
    child.end()
    assert recorder.recorded().names == []


def test_text_of_strangers_cannot_lose_the_spans_it_travels_with() -> None:
    recorder = Recorder()
    span = recorder.tracer.start("frame", attributes={"text": "x" * 5000, "lone": "\ud800"})
    span.fail("http://me:hush@host\udfff " + "y" * 5000, "refused")
    span.end()
    (sent,) = recorder.recorded().spans
    assert len(str(known(sent)["text"])) == 1024
    assert is_failed(sent)
    assert "hush" not in str(sent.status.description)
    assert encode_spans([sent]).SerializeToString()
