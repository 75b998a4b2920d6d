"""The edge to OpenTelemetry's SDK: spans, their context in W3C's words, and their way out.

It is imported only where traces are on. Nothing here waits for the endpoint but `Tracer.close`:
spans wait in a queue of QUEUE_SPANS, a thread of the SDK sends them, and what does not fit is lost.
"""

import os
import socket
import threading
import uuid
from collections.abc import Sequence
from contextvars import copy_context
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from runtime.logs import get_logger, redacted
from runtime.metrics import build_version
from runtime.tracing import Attributes, Kind

QUEUE_SPANS = 2048
SEND_SPANS = 256
SEND_EVERY_MS = 2000
SEND_TIMEOUT_S = 10
"""For one request and its repetitions; meanwhile spans wait in the queue."""
MAX_TRACEPARENT_CHARS = 512
"""Version 00 takes 55. A longer one than this is nobody's: W3C bounds only `tracestate`, by 512."""
TRACES_PATH = "/v1/traces"
"""OTLP 1.10, "OTLP/HTTP Request"."""

MAX_TEXT_CHARS = 1024
"""Of one attribute or reason: it may be text of a record, which strangers may have written."""

_LIMITS = SpanLimits(
    max_attributes=64,
    max_events=256,
    max_links=256,
    max_event_attributes=8,
    max_link_attributes=8,
)
_KINDS = {
    "internal": trace.SpanKind.INTERNAL,
    "producer": trace.SpanKind.PRODUCER,
    "consumer": trace.SpanKind.CONSUMER,
    "client": trace.SpanKind.CLIENT,
}
_W3C = TraceContextTextMapPropagator()

Origin = trace.SpanContext
"""A span of another process, as its traceparent names it."""


class Span:
    """One step, from its start until `end`. Safe to be handed from thread to thread."""

    def __init__(self, tracer: trace.Tracer, span: trace.Span) -> None:
        self._tracer = tracer
        self._span = span

    @property
    def trace_id(self) -> str:
        """The id of its trace, 32 hexadecimal digits."""
        return trace.format_trace_id(self._span.get_span_context().trace_id)

    @property
    def traceparent(self) -> str | None:
        """Its context, for whoever goes on with the trace; None where OTEL_SDK_DISABLED is set."""
        carrier: dict[str, str] = {}
        _W3C.inject(carrier, trace.set_span_in_context(self._span))
        return carrier.get("traceparent")

    def child(
        self,
        name: str,
        kind: Kind = "internal",
        attributes: Attributes | None = None,
        start_ns: int | None = None,
    ) -> "Span":
        """Start a step of this one; now, or at `start_ns` since the epoch."""
        context = trace.set_span_in_context(self._span, Context())
        span = self._tracer.start_span(name, context, _KINDS[kind], _told(attributes), (), start_ns)
        return Span(self._tracer, span)

    def tell(self, attributes: Attributes) -> None:
        """Add to what is known of it."""
        self._span.set_attributes(_told(attributes))

    def event(self, name: str, attributes: Attributes) -> None:
        """Note what happened now."""
        self._span.add_event(name, _told(attributes))

    def fail(self, reason: str, error_type: str) -> None:
        """Mark it as failed; `error_type` is one of few words, `reason` may be any text."""
        self._span.set_attribute("error.type", error_type)
        self._span.set_status(trace.StatusCode.ERROR, _text(redacted(reason[:8192])))

    def end(self, end_ns: int | None = None) -> None:
        """Let it be sent; ended now, or at `end_ns` since the epoch."""
        self._span.end(end_ns)


class Tracer:
    """Starts the spans of one service and sends them to one endpoint."""

    def __init__(self, exporter: SpanExporter, service: str) -> None:
        self._exporter = _Exporter(exporter)
        self._provider = TracerProvider(
            # Whoever asks for a span has sampled; variables of the SDK must not undo that.
            sampler=ALWAYS_ON,
            resource=_resource(service),
            shutdown_on_exit=False,
            span_limits=_LIMITS,
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(self._exporter, QUEUE_SPANS, SEND_EVERY_MS, SEND_SPANS)
        )
        self._tracer = self._provider.get_tracer("framerail")

    @classmethod
    def connect(cls, endpoint: str, service: str) -> "Tracer":
        """Send to an OTLP server over HTTP; nothing is sent yet. `endpoint` is its base URL."""
        url = traces_url(endpoint)
        server = urlsplit(url)
        get_logger().info("traces.on", server=server.hostname, port=server.port)
        return cls(OTLPSpanExporter(endpoint=url, timeout=SEND_TIMEOUT_S), service)

    def start(
        self,
        name: str,
        kind: Kind = "internal",
        attributes: Attributes | None = None,
        start_ns: int | None = None,
        parent: Origin | None = None,
        links: Sequence[Origin] = (),
    ) -> Span:
        """Start a span: the first of a new trace, or one that goes on where `parent` was."""
        context = Context()
        if parent is not None:
            context = trace.set_span_in_context(trace.NonRecordingSpan(parent), context)
        linked = [trace.Link(origin) for origin in links]
        span = self._tracer.start_span(
            name, context, _KINDS[kind], _told(attributes), linked, start_ns
        )
        return Span(self._tracer, span)

    def origin(self, traceparent: str | None) -> Origin | None:
        """Read the context of a sampled span; None for an unsampled one, and for what is none."""
        if traceparent is None or len(traceparent) > MAX_TRACEPARENT_CHARS:
            return None
        context = _W3C.extract({"traceparent": traceparent}, Context())
        origin = trace.get_current_span(context).get_span_context()
        return origin if origin.is_valid and origin.trace_flags.sampled else None

    def close(self, timeout_s: float) -> None:
        """Send what waits, for at most `timeout_s` seconds; not to an endpoint that is away."""
        flushing = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        flushing.start()
        flushing.join(0.0 if self._exporter.is_away else timeout_s)
        self._exporter.shutdown()


def traces_url(endpoint: str) -> str:
    """Return where an OTLP server takes traces, of its base URL; or what names that already."""
    url = endpoint.rstrip("/")
    return url if url.endswith(TRACES_PATH) else url + TRACES_PATH


class _Exporter(SpanExporter):
    """Exports in the context of whoever made it, so that the library's log lines name the service.

    `is_away` tells whether the last request failed.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._context = copy_context()
        self._lock = threading.Lock()
        self._is_shut = False
        self.is_away = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._context.run(self._exporter.export, spans)
        self.is_away = result is not SpanExportResult.SUCCESS
        return result

    def shutdown(self) -> None:
        """End what is under way; the second of two calls does nothing."""
        with self._lock:
            is_shut, self._is_shut = self._is_shut, True
        if not is_shut:
            self._exporter.shutdown()


def _told(attributes: Attributes | None) -> dict[str, str | int | float | bool]:
    given = (attributes or {}).items()
    return {name: _text(value) if isinstance(value, str) else value for name, value in given}


def _text(text: str) -> str:
    # One half of a surrogate pair in the text of one span, and protobuf refuses all that are sent.
    return text[:MAX_TEXT_CHARS].encode("utf-8", "replace").decode()


def _resource(service: str) -> Resource:
    """Say who the spans are of; OTEL_RESOURCE_ATTRIBUTES may add to it, as everywhere."""
    known: dict[str, str | int] = {
        "service.name": f"framerail-{service}",
        "service.namespace": "framerail",
        "service.instance.id": str(uuid.uuid4()),
        "service.version": build_version(),
        "host.name": socket.gethostname(),
        "process.pid": os.getpid(),
    }
    return Resource.create(known)
