"""A server that takes traces as OTLP over HTTP asks, on 127.0.0.1, and keeps them."""

import gzip
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


@dataclass(frozen=True)
class ReceivedSpan:
    """One span, with the facts of its resource; times in nanoseconds since the epoch."""

    service: str
    resource: Mapping[str, Any]
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    start_ns: int
    end_ns: int
    is_failed: bool
    facts: Mapping[str, Any]
    linked_traces: tuple[str, ...]


class OtlpReceiver:
    """Answers with success, or not at all while `holds` is set."""

    def __init__(self, holds: bool = False) -> None:
        self._lock = threading.Lock()
        self._spans: list[ReceivedSpan] = []
        self.bodies: list[bytes] = []
        self.paths: set[str] = set()
        self.let_go = threading.Event()
        if not holds:
            self.let_go.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.let_go.wait(120)
                receiver.take(self.path, body, self.headers.get("Content-Encoding"))
                with suppress(ConnectionError):  # whoever was kept waiting has gone
                    self.answer(ExportTraceServiceResponse().SerializeToString())

            def answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def spans(self) -> list[ReceivedSpan]:
        with self._lock:
            return list(self._spans)

    def traces(self) -> dict[str, list[ReceivedSpan]]:
        """Return the spans of each trace, in order of start."""
        found: dict[str, list[ReceivedSpan]] = {}
        for span in sorted(self.spans, key=lambda span: span.start_ns):
            found.setdefault(span.trace_id, []).append(span)
        return found

    def take(self, path: str, body: bytes, encoding: str | None) -> None:
        request = ExportTraceServiceRequest()
        request.ParseFromString(gzip.decompress(body) if encoding == "gzip" else body)
        with self._lock:
            self.paths.add(path)
            self.bodies.append(request.SerializeToString())
            for group in request.resource_spans:
                resource = _facts(group.resource.attributes)
                self._spans += [
                    _received(span, resource) for scope in group.scope_spans for span in scope.spans
                ]

    def close(self) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def receiving(holds: bool = False) -> Iterator[OtlpReceiver]:
    receiver = OtlpReceiver(holds)
    try:
        yield receiver
    finally:
        receiver.close()


def _received(span: Span, resource: Mapping[str, Any]) -> ReceivedSpan:
    return ReceivedSpan(
        service=resource["service.name"],
        resource=resource,
        name=span.name,
        kind=Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        is_failed=span.status.code == Status.STATUS_CODE_ERROR,
        facts=_facts(span.attributes),
        linked_traces=tuple(link.trace_id.hex() for link in span.links),
    )


def _facts(attributes: Any) -> dict[str, Any]:
    return {
        one.key: getattr(one.value, one.value.WhichOneof("value") or "string_value")
        for one in attributes
    }
